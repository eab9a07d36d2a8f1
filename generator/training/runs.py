"""Where training runs live, what they say, and checkpoints that survive a kill."""

import os
import shutil
import sys
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

HERE = Path(__file__).parent
# another folder makes a run of its own
VAR = Path(os.environ.get("MURALIST_TRAINING", HERE / "var"))


class Saveable(Protocol):
    """Anything that writes itself as a folder, as models of diffusers and transformers do."""

    def save_pretrained(self, folder: str) -> object: ...


def say(line: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def be_quiet() -> None:
    """Only errors from the libraries: their notices are known and meant."""
    from diffusers.utils import logging as diffusers_logging
    from transformers.utils import logging as transformers_logging

    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()


def save_checkpoint(
    name: str, model: torch.nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    path = VAR / f"{name}.pt"
    beside = path.with_suffix(".new")
    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
    torch.save(state, beside)
    beside.replace(path)


def load_checkpoint(name: str, model: torch.nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restores both and returns the step to go on from; 0 where nothing was saved."""
    path = VAR / f"{name}.pt"
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])


def save_array(name: str, array: np.ndarray) -> None:
    """``var/<name>.npy``, replaced whole: who has the old one mapped keeps it."""
    beside = VAR / f"{name}.new.npy"
    np.save(beside, array)
    beside.replace(VAR / f"{name}.npy")


def save_folder(model: Saveable, folder: Path) -> None:
    """The model's folder, replaced whole: a reader sees the old one or the new one."""
    beside, old = folder.with_suffix(".new"), folder.with_suffix(".old")
    for leftover in (beside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    model.save_pretrained(str(beside))
    if folder.exists():
        folder.rename(old)
    beside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
