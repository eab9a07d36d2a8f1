"""Any image classifier in transformers' format, named in `MURALIST_CLASSIFIER`.

A folder or hub id of an image-classification model whose labels say which are bad:
a label that reads like nsfw, porn, sexy, hentai or violence counts, their scores add up. A
folder with a `safety_checker` of diffusers works as well: its verdict is a score of 0 or 1.
"""

from __future__ import annotations

import functools
import hashlib
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from data.words import Stage, Verdict
from moderation import scores, standards
from moderation.check import CheckSettings, Subject

STAGES = {Stage.PHOTO, Stage.PICTURE}

#: Parts of labels that mean "not for everybody".
BAD_LABELS = ("nsfw", "unsafe", "porn", "sexy", "hentai", "nud", "explicit", "gore", "violen")
GOOD_LABELS = (
    "not nsfw",
    "non nsfw",
    "not_nsfw",
    "non-violent",
    "nonviolent",
    "sfw_not",
    "no_viol",
)


def open(settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """The model is loaded with the first picture; without one, every picture is held."""
    known = standards.read(settings.standards)
    turn = threading.Lock()

    @functools.cache
    def loaded() -> tuple[Callable[[Image.Image], float], str]:
        return _load(settings.classifier)

    def look(subject: Subject) -> Verdict:
        assert subject.image is not None
        with turn:
            classify, source = loaded()
            with Image.open(io.BytesIO(subject.image)) as image:
                score = classify(image.convert("RGB"))
        return scores.judge(known, subject, "classifier", score, source)

    return look


def _load(name: str) -> tuple[Callable[[Image.Image], float], str]:
    """The model as a function, and the sha256 of what it was made of. Raises OSError."""
    if not name or (name.startswith(("/", ".")) and not Path(name).is_dir()):
        raise OSError(f"MURALIST_CLASSIFIER names no model: {name!r}")
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(name)
    source = _digest(Path(name)) if Path(name).is_dir() else f"{name}@{config._commit_hash}"  # noqa: SLF001  the only place that says it
    if "StableDiffusionSafetyChecker" in (config.architectures or ()):
        return _safety_checker(name), source
    return _image_classifier(name), source


def _image_classifier(name: str) -> Callable[[Image.Image], float]:
    from transformers import AutoImageProcessor, AutoModelForImageClassification

    processor = AutoImageProcessor.from_pretrained(name)
    model = AutoModelForImageClassification.from_pretrained(name, use_safetensors=True).eval()
    bad = [n for n, label in model.config.id2label.items() if is_bad(label)]
    if not bad:
        raise ValueError(f"no label of {name} says that it is bad: {model.config.id2label}")

    def classify(image: Image.Image) -> float:
        logits = model(**processor(images=image, return_tensors="pt")).logits.detach()
        return float(logits.softmax(-1)[0][bad].sum())

    return classify


def _safety_checker(name: str) -> Callable[[Image.Image], float]:
    import numpy
    from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
    from transformers import CLIPImageProcessor

    processor = CLIPImageProcessor.from_pretrained(name)
    model: Any = StableDiffusionSafetyChecker.from_pretrained(name, use_safetensors=True).eval()

    def classify(image: Image.Image) -> float:
        clip_input = processor(images=image, return_tensors="pt").pixel_values
        # It blackens what it finds, so it is given a picture of its own.
        pixels = numpy.zeros((1, 8, 8, 3), dtype=numpy.float32)
        _, found = model(images=pixels, clip_input=clip_input)
        return float(bool(found[0]))

    return classify


def is_bad(label: str) -> bool:
    """Whether a label reads like something that is not for everybody."""
    name = label.casefold().replace("_", " ")
    return any(part in name for part in BAD_LABELS) and not any(
        part.replace("_", " ") in name for part in GOOD_LABELS
    )


def _digest(folder: Path) -> str:
    """sha256 over the weights and the configuration."""
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*")):
        if path.suffix in (".json", ".safetensors"):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
    return digest.hexdigest()
