"""The weights that leave training: averaged over steps, then pruned."""

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from golf.train.config import TrainConfig

LARGE = 65_536  # 2-D tensors of more elements are pruned (and, later, quantized); PR 611
PRUNE_SAMPLE = 1_000_000  # entries from which the threshold is estimated; PR 611

Average = Literal["ema", "swa"]


class Averages:
    """An exponential average (EMA) and a plain one (SWA) of a model's tensors, in fp32 (PR 611).

    EMA: every ema_every steps the weights are mixed in with share 1 − decay^every; it starts as the first weights.
    SWA: every swa_every steps, once the learning-rate scale is below swa_below, the mean takes in one more sample.
    """

    def __init__(self, weights: Mapping[str, Tensor], config: TrainConfig) -> None:
        self.config = config
        self.ema = {name: tensor.detach().float().clone() for name, tensor in weights.items()}
        self.swa: dict[str, Tensor] = {}
        self.swa_samples = 0

    def update(self, weights: Mapping[str, Tensor], *, steps_done: int, lr_scale: float) -> None:
        """Take in the weights after `steps_done` steps, the last of which had this learning-rate scale."""
        if steps_done % self.config.ema_every == 0:
            _mix(self.ema, weights, 1 - self.config.ema_decay**self.config.ema_every)
        if lr_scale < self.config.swa_below and steps_done % self.config.swa_every == 0:
            if not self.swa:
                self.swa = {name: torch.zeros_like(tensor) for name, tensor in self.ema.items()}
            self.swa_samples += 1
            _mix(self.swa, weights, 1 / self.swa_samples)

    def best(self) -> tuple[Average, dict[str, Tensor]]:
        """The plain average if it has more than one sample, else the exponential one."""
        return ("swa", self.swa) if self.swa_samples > 1 else ("ema", self.ema)

    def tensors(self) -> dict[str, Tensor]:
        """Both averages as tensors named "ema/…" and "swa/…"; the number of samples is kept apart."""
        return {
            f"{kind}/{name}": tensor
            for kind, average in (("ema", self.ema), ("swa", self.swa))
            for name, tensor in average.items()
        }

    def load(self, tensors: Mapping[str, Tensor], swa_samples: int) -> None:
        """Put back what `tensors` gave."""
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
    """Set the smallest weights of large matrices to zero: those strictly below one threshold for all of them.

    The threshold is the `fraction` quantile of |w| over the 2-D tensors of more than 65,536 elements together, token
    embedding included, estimated from 10⁶ entries drawn with replacement, or from all where they are fewer (PR 611).

    Args:
        weights: a state dict on the CPU.
        fraction: share of the entries that goes, in [0, 1).
        generator: a CPU generator for the sample.
    """
    large = {name: tensor for name, tensor in weights.items() if tensor.ndim == 2 and tensor.numel() > LARGE}
    if not large:
        return dict(weights)
    entries = torch.cat([tensor.abs().flatten() for tensor in large.values()])
    if len(entries) > PRUNE_SAMPLE:
        entries = entries[torch.randint(len(entries), (PRUNE_SAMPLE,), generator=generator)]
    threshold = entries.quantile(fraction)
    return {**weights, **{name: tensor.where(tensor.abs() >= threshold, 0.0) for name, tensor in large.items()}}
