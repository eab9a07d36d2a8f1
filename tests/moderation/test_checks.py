"""The other checks, each with the real thing behind it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from data.words import Circumstances, Prompt, Ruling, Stage
from moderation import check as checks
from moderation import fingerprint, standards
from moderation.check import Check, CheckSettings, Look, Subject
from moderation.checks import classifier, consent, flood, nsfw, patterns
from moderation.review import review
from moderation.scores import judge


def a_picture(shade: int = 120, side: int = 96, mark: int = 20) -> bytes:
    image = Image.linear_gradient("L").resize((side, side)).convert("RGB")
    ImageDraw.Draw(image).ellipse((mark, mark, mark + 40, mark + 40), (shade, 40, 40))
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def a_subject(wish: str = "a red fox", image: bytes | None = None, **facts: object) -> Subject:
    bits = fingerprint.of_image(image) if image else 0
    return Subject(
        prompt=Prompt(wish=wish),
        image=image,
        fingerprint=bits,
        circumstances=Circumstances(**facts),  # type: ignore[arg-type]
    )


class TestPatterns:
    look: Look = staticmethod(patterns.open(CheckSettings()))

    def ruled(self, wish: str, pattern: str) -> tuple[Ruling, str]:
        verdict = self.look(a_subject(wish, patterns=(("7", pattern, Ruling.HOLD),)))
        return verdict.ruling, verdict.rule

    def test_a_guild_finds_what_it_does_not_want(self) -> None:
        assert self.ruled("buy MyCoin now", r"\bmycoin\b") == (Ruling.HOLD, "guild.7")
        assert self.ruled("buy MуC\u200boin now", r"\bmycoin\b") == (Ruling.HOLD, "guild.7")
        assert self.ruled("a coin", r"\bmycoin\b") == (Ruling.ALLOW, "")

    def test_a_pattern_that_takes_too_long_holds(self) -> None:
        subject = a_subject("a" * 900 + "!", patterns=(("7", r"(a|aa)+$", Ruling.REFUSE),))
        check = Check(name="patterns", stages=frozenset({Stage.PROMPT}), look=self.look)
        assert review([check], Stage.PROMPT, subject).rule == "failed.patterns"

    @pytest.mark.parametrize(
        ("pattern", "told"),
        [
            ("", "1 to 260"),
            ("x" * 261, "1 to 260"),
            ("(", "not a regular expression"),
            (r"x*", "every wish"),
            (r"(a|aa)+$", "too long"),
        ],
    )
    def test_a_mistake_is_told_before_it_is_in_force(self, pattern: str, told: str) -> None:
        assert told in (patterns.trouble_with(pattern) or "")

    def test_a_sensible_pattern_has_no_trouble(self) -> None:
        assert patterns.trouble_with(r"\b(my)?coin\b") is None


class TestFlood:
    look: Look = staticmethod(flood.open(CheckSettings()))

    def test_the_same_wish_again_and_again_is_refused(self) -> None:
        again = ("A  red FOX!",) * 11
        assert self.look(a_subject(recent_wishes=again)).ruling is Ruling.ALLOW
        assert self.look(a_subject(recent_wishes=(*again, "a red fox"))).rule == "flood.words"
        assert self.look(a_subject(recent_wishes=("a blue fox",) * 50)).ruling is Ruling.ALLOW

    def test_one_photo_from_many_accounts_is_held(self) -> None:
        photo = a_picture()
        near = fingerprint.of_image(photo) ^ 0b101
        sent = tuple((f"x/{n}", near) for n in range(10))
        assert self.look(a_subject(image=photo, recent_photos=sent)).rule == "flood.photo"
        by_one = (("x/1", near),) * 10
        assert self.look(a_subject(image=photo, recent_photos=by_one)).ruling is Ruling.ALLOW

    def test_what_was_taken_down_does_not_come_back_unseen(self) -> None:
        gone = (fingerprint.of_image(a_picture()),)
        small = a_picture(shade=125)
        assert self.look(a_subject(image=small, taken_down=gone)).rule == "flood.taken_down"
        other = a_picture(mark=2)
        assert self.look(a_subject(image=other, taken_down=gone)).ruling is Ruling.ALLOW

    def test_a_guild_may_draw_the_line_elsewhere(self) -> None:
        strict = {"flood.words": 1.0}
        subject = a_subject(recent_wishes=("a red fox",), standards=strict)
        assert self.look(subject).ruling is Ruling.REFUSE


def test_whoever_opted_out_is_not_pictured() -> None:
    look = consent.open(CheckSettings())
    assert look(a_subject("ada as a knight", opted_out=("ada",))).rule == "likeness.opted_out"
    assert look(a_subject("ada as a knight")).ruling is Ruling.ALLOW


def test_a_fingerprint_survives_what_networks_do_to_pictures() -> None:
    first = a_picture(side=256)
    file = io.BytesIO()
    Image.open(io.BytesIO(first)).resize((200, 200)).save(file, "JPEG", quality=70)
    near = fingerprint.distance(fingerprint.of_image(first), fingerprint.of_image(file.getvalue()))
    assert near <= 12
    with pytest.raises(OSError, match="cannot identify"):
        fingerprint.of_image(b"no picture")


@pytest.mark.parametrize(
    ("score", "adults", "expected"),
    [
        (0.1, False, Ruling.ALLOW),
        (0.5, False, Ruling.HOLD),
        (0.9, False, Ruling.REFUSE),
        (0.9, True, Ruling.ALLOW),
        (0.99, True, Ruling.HOLD),
    ],
)
def test_a_score_rules_by_the_place(score: float, adults: bool, expected: Ruling) -> None:
    subject = a_subject(adults=adults)
    verdict = judge(standards.read(), subject, "nsfw", score, "source")
    assert (verdict.ruling, verdict.scores) == (expected, {"nsfw": score})


def test_a_score_that_is_no_number_is_no_verdict() -> None:
    with pytest.raises(ValueError, match="nan"):
        judge(standards.read(), a_subject(), "nsfw", float("nan"), "source")


class TestNsfw:
    def test_the_packaged_model_lets_a_drawing_pass(self) -> None:
        verdict = nsfw.open(CheckSettings())(a_subject(image=a_picture()))
        assert verdict.ruling is Ruling.ALLOW
        assert 0 <= verdict.scores["nsfw"] < 0.5
        assert len(verdict.source) == 64

    def test_without_its_model_every_picture_is_held(self, tmp_path: Path) -> None:
        missing = nsfw.lazily(tmp_path / "nowhere.onnx")

        def look(subject: Subject) -> object:
            return missing(subject.image or b"")

        self.held_by(look)

    def test_with_another_model_in_its_place_every_picture_is_held(self, tmp_path: Path) -> None:
        (tmp_path / "other.onnx").write_bytes(b"something else")
        other = nsfw.lazily(tmp_path / "other.onnx")
        self.held_by(lambda subject: other(subject.image or b""))

    def test_what_is_no_picture_is_held(self) -> None:
        look = nsfw.open(CheckSettings())
        subject = Subject(prompt=Prompt(wish=""), image=b"no picture")
        check = Check(name="nsfw", stages=frozenset({Stage.PICTURE}), look=look)
        assert review([check], Stage.PICTURE, subject).rule == "failed.nsfw"

    @staticmethod
    def held_by(look: object) -> None:
        check = Check(name="nsfw", stages=frozenset({Stage.PICTURE}), look=look)  # type: ignore[arg-type]
        for _ in range(2):
            verdict = review([check], Stage.PICTURE, a_subject(image=a_picture()))
            assert (verdict.ruling, verdict.rule) == (Ruling.HOLD, "failed.nsfw")


@pytest.fixture(scope="module")
def vit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real image classifier in transformers' format, tiny, with random weights."""
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    folder = tmp_path_factory.mktemp("vit")
    config = ViTConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        image_size=32,
        patch_size=16,
        id2label={0: "normal", 1: "nsfw"},
        label2id={"normal": 0, "nsfw": 1},
    )
    ViTForImageClassification(config).save_pretrained(folder)
    ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


class TestClassifier:
    def test_any_classifier_scores_by_its_labels(self, vit: Path) -> None:
        look = classifier.open(CheckSettings(classifier=str(vit)))
        subject = a_subject(image=a_picture())
        score = look(subject).scores["classifier"]
        assert 0 < score < 1
        for bounds, expected in [
            ({"classifier.hold": score / 2}, Ruling.HOLD),
            ({"classifier.refuse": score / 2}, Ruling.REFUSE),
            ({"classifier.hold": 1.1}, Ruling.ALLOW),
        ]:
            line = {"classifier.hold": 1.0, "classifier.refuse": 1.0, **bounds}
            verdict = look(a_subject(image=a_picture(), standards=line))
            assert (verdict.ruling, len(verdict.source)) == (expected, 64)

    @pytest.mark.parametrize("name", ["", "/nowhere/at/all"])
    def test_without_its_model_every_picture_is_held(self, name: str) -> None:
        (check,) = checks.load(["classifier"], CheckSettings(classifier=name))
        verdict = review([check], Stage.PICTURE, a_subject(image=a_picture()))
        assert (verdict.ruling, verdict.rule) == (Ruling.HOLD, "failed.classifier")

    def test_labels_that_say_the_contrary_are_not_bad(self) -> None:
        assert classifier.is_bad("NSFW")
        assert classifier.is_bad("porn")
        assert not classifier.is_bad("non_nsfw")
        assert not classifier.is_bad("neutral")
