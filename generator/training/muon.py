"""Muon beside AdamW: matrices and convolutions get updates with all directions alike.

Contract: an ordinary torch optimizer. Weights of two dimensions and more (flattened to two) take
Muon's orthogonalised momentum, scaled to the size AdamW's steps have; all others, and embeddings,
take AdamW. One rate serves both.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch

ROUNDS = 4
# quintic Newton-Schulz: after a few rounds all singular values lie near 1
COEFFICIENTS = (3.4445, -4.7750, 2.0315)


def orthogonal(matrix: torch.Tensor) -> torch.Tensor:
    """Nearly the closest matrix whose singular values are all one."""
    wide = matrix if matrix.shape[0] <= matrix.shape[1] else matrix.T
    x: torch.Tensor = wide / (wide.norm() + 1e-7)
    a, b, c = COEFFICIENTS
    for _ in range(ROUNDS):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    across: torch.Tensor = x.T
    return x if wide is matrix else across


def gradient(weight: torch.Tensor) -> torch.Tensor:
    if weight.grad is None:
        raise ValueError("the weight has no gradient")
    return weight.grad


class Muon(torch.optim.Optimizer):
    def __init__(self, groups: Iterable[dict[str, Any]], momentum: float = 0.95) -> None:
        super().__init__(groups, {"lr": 1e-3, "momentum": momentum, "decay": 0.01})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One update; there is no use for ``closure``."""
        del closure
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                weight.mul_(1 - group["lr"] * group["decay"])
                flat = weight.grad.reshape(weight.shape[0], -1)
                matrix = weight.ndim >= 2 and min(flat.shape) > 16 and flat.shape[0] < 2000
                move = self.matrix_move(weight, group) if matrix else self.plain_move(weight)
                weight.add_(move.reshape(weight.shape), alpha=-group["lr"])

    def matrix_move(self, weight: torch.Tensor, group: dict[str, Any]) -> torch.Tensor:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        kept: torch.Tensor = state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
        ahead = kept.lerp(gradient(weight), 1 - group["momentum"]).reshape(weight.shape[0], -1)
        return orthogonal(ahead) * float(0.2 * max(ahead.shape) ** 0.5)

    def plain_move(self, weight: torch.Tensor) -> torch.Tensor:
        """AdamW's step, decay aside."""
        state = self.state[weight]
        if not state:
            state |= {"mean": torch.zeros_like(weight), "square": torch.zeros_like(weight)}
            state["count"] = torch.zeros(())
        state["count"] += 1
        count = float(state["count"])
        mean: torch.Tensor = state["mean"].lerp_(gradient(weight), 0.1)
        square: torch.Tensor = state["square"].lerp_(gradient(weight).square(), 0.01)
        mean, square = mean / (1 - 0.9**count), square / (1 - 0.99**count)
        return mean / (square.sqrt() + 1e-8)
