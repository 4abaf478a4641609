"""The final weights of a training: averaged over steps, then pruned."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from golf.train.config import TrainConfig

MAX_UNPRUNED = 65_536
"""2-D tensors of more elements than this are pruned, and later quantized (PR 611)."""
PRUNE_SAMPLE = 1_000_000
"""Weights that estimate the pruning threshold (PR 611)."""

Average = Literal["ema", "swa"]


class Averages:
    """An exponential average (EMA) and a plain average (SWA) of a model's tensors, in fp32 (PR 611).

    EMA: starts as the initial weights; every ema_every steps it moves to the weights by the share 1 − decay^every.
    SWA: the mean of the weights sampled every swa_every steps while the learning-rate scale is below swa_below.
    """

    def __init__(self, weights: Mapping[str, Tensor], config: TrainConfig) -> None:
        self.config = config
        self.ema = {name: tensor.detach().float().clone() for name, tensor in weights.items()}
        self.swa: dict[str, Tensor] = {}
        self.swa_samples = 0

    def update(self, weights: Mapping[str, Tensor], *, steps_done: int, lr_scale: float) -> None:
        """Update the averages after `steps_done` steps; `lr_scale` is the learning-rate scale of the last step."""
        if steps_done % self.config.ema_every == 0:
            _mix(self.ema, weights, 1 - self.config.ema_decay**self.config.ema_every)
        if lr_scale < self.config.swa_below and steps_done % self.config.swa_every == 0:
            if not self.swa:
                self.swa = {name: torch.zeros_like(tensor) for name, tensor in self.ema.items()}
            self.swa_samples += 1
            _mix(self.swa, weights, 1 / self.swa_samples)

    def best(self) -> tuple[Average, dict[str, Tensor]]:
        """The weights to keep: the plain average if it has at least two samples, else the exponential one."""
        return ("swa", self.swa) if self.swa_samples > 1 else ("ema", self.ema)

    def tensors(self) -> dict[str, Tensor]:
        """Both averages for a checkpoint, as tensors "ema/NAME" and "swa/NAME", without `swa_samples`."""
        return {
            f"{kind}/{name}": tensor
            for kind, average in (("ema", self.ema), ("swa", self.swa))
            for name, tensor in average.items()
        }

    def load(self, tensors: Mapping[str, Tensor], swa_samples: int) -> None:
        """Restore the averages from the result of `tensors` and the number of SWA samples."""
        for kind, average in (("ema", self.ema), ("swa", self.swa)):
            device = next(iter(self.ema.values())).device
            average.update(
                {
                    path.removeprefix(f"{kind}/"): tensor.to(device, copy=True)
                    for path, tensor in tensors.items()
                    if path.startswith(f"{kind}/")
                }
            )
        self.swa_samples = swa_samples


@torch.no_grad()
def _mix(average: Mapping[str, Tensor], weights: Mapping[str, Tensor], share: float) -> None:
    for name, tensor in average.items():
        tensor.lerp_(weights[name].float(), share)


def prune(weights: Mapping[str, Tensor], fraction: float, generator: torch.Generator) -> dict[str, Tensor]:
    """Set the weights of large matrices whose magnitude is below a common threshold to zero.

    The threshold is the `fraction` quantile of |w| over all 2-D tensors of more than 65,536 elements, token embedding
    included. It is estimated from 10⁶ weights drawn with replacement, or from all if there are fewer (PR 611).

    Args:
        weights: a state dict on the CPU.
        fraction: share of weights to remove, in [0, 1).
        generator: a CPU generator for the sample.

    Returns:
        A new state dict.
    """
    large = {name: tensor for name, tensor in weights.items() if tensor.ndim == 2 and tensor.numel() > MAX_UNPRUNED}
    if not large:
        return dict(weights)
    sizes = torch.cat([tensor.abs().flatten() for tensor in large.values()])
    if len(sizes) > PRUNE_SAMPLE:
        sizes = sizes[torch.randint(len(sizes), (PRUNE_SAMPLE,), generator=generator)]
    threshold = sizes.quantile(fraction)
    return {**weights, **{name: tensor.where(tensor.abs() >= threshold, 0.0) for name, tensor in large.items()}}
