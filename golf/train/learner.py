"""A model, its optimizers and its averages: everything that one training step changes.

Letters of tensor shapes: B windows, T positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from golf.model.attention import choose_kernel
from golf.model.gpt import GPT
from golf.train.averaging import Averages
from golf.train.config import TrainConfig
from golf.train.muon import Optimizers
from golf.train.ranks import Ranks

MICRO_TOKENS = {
    "cuda": 98_304,  # an eighth of PR 611's batch: what one of its GPUs takes at once, in 21 GB
    "cpu": 2_048,  # fastest of 512 … 4,096 for a small model
}
CLIP_EPS = 1e-6  # torch's clip_grad_norm_, as in PR 611


@dataclass(frozen=True, slots=True)
class Reading:
    """What all ranks know after a step."""

    loss: float
    """Mean cross-entropy of the step's tokens under the weights before it, nats per token."""
    norm: float
    """Norm of the gradient over all parameters, before clipping."""
    seconds: float
    """Rank 0's training clock when the step began, rounded to fp32."""


class Readback:
    """A few numbers on their way from the device to the host, past the work that is queued after them."""

    def __init__(self, count: int, device: torch.device) -> None:
        self._arrived = torch.Event(device) if device.type == "cuda" else None
        self._host = torch.empty(count, pin_memory=self._arrived is not None)

    def send(self, numbers: Tensor) -> None:
        """Queue the copy of a vector of `count` numbers."""
        self._host.copy_(numbers, non_blocking=True)
        if self._arrived is not None:
            self._arrived.record()

    def receive(self) -> list[float]:
        """Wait for what was sent last, and for nothing queued since."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._host.tolist()


class Learner:
    """One model in training. All ranks hold the same state, bit for bit."""

    def __init__(self, config: TrainConfig, ranks: Ranks, generator: torch.Generator) -> None:
        self.config, self.ranks = config, ranks
        self.model = GPT(config.model)
        self.model.initialize(generator)
        self.model.to(ranks.device)
        self.optimizers = Optimizers.build(self.model, config)
        self.averages = Averages(self.model.state_dict(), config)
        self.rotary = self.model.rotary(config.seq_len)
        self.kernel = choose_kernel(config.attention, ranks.device)
        self.dtype = torch.bfloat16 if ranks.device.type == "cuda" else torch.float32
        self.hidden = torch.compile(self._hidden, dynamic=False) if ranks.device.type == "cuda" else self._hidden
        self._bucket = self._gradient_bucket()
        self._readback = Readback(3, ranks.device)

    def _gradient_bucket(self) -> Tensor:
        """One fp32 vector that holds all gradients, then loss and clock, so that a step needs one all-reduce.

        Each parameter's .grad is a view of it. Large ones come first: their views then start at multiples of 64.
        """
        parameters = sorted(self.model.parameters(), key=torch.Tensor.numel, reverse=True)
        sizes = [parameter.numel() for parameter in parameters]
        bucket = torch.zeros(sum(sizes) + 2, device=self.ranks.device)
        for parameter, part in zip(parameters, torch.split(bucket[:-2], sizes), strict=True):
            parameter.grad = part.view_as(parameter)
        return bucket

    def _hidden(self, inputs_BT: Tensor) -> Tensor:
        return self.model.hidden(inputs_BT, dtype=self.dtype, rotary=self.rotary, attend=self.kernel.attend)

    def step(
        self, batch: tuple[Tensor, Tensor], *, lr_scale: float, momentum: float, seconds: float, clip: bool = True
    ) -> Reading:
        """Make one update from this rank's rows of the batch.

        The result is read while the optimizers work, so that a GPU does not idle until its next batch is there.
        """
        gradient, tail = self._bucket[:-2], self._bucket[-2:]
        self._bucket.zero_()
        tail[1] = seconds if self.ranks.is_first else 0.0
        rows = max(1, MICRO_TOKENS[self.ranks.device.type] // self.config.seq_len)
        for inputs, targets in zip(*(torch.split(part.to(self.ranks.device), rows) for part in batch), strict=True):
            loss, _ = self.model.loss(self.hidden(inputs), targets, scale=1 / self.config.batch_tokens)
            torch.autograd.backward(loss)
            tail[0] += loss.detach()
        self.ranks.sum_(self._bucket)
        norm = gradient.norm()
        if clip:
            gradient.mul_((self.config.clip / (norm + CLIP_EPS)).clamp(max=1.0))
        self._readback.send(torch.stack((tail[0], norm, tail[1])))
        self.optimizers.step(lr_scale=lr_scale, momentum=momentum)
        return Reading(*self._readback.receive())

    def average(self, *, steps_done: int, lr_scale: float) -> None:
        """Let the averages take in the weights, where it is time to."""
        self.averages.update(self.model.state_dict(), steps_done=steps_done, lr_scale=lr_scale)

    def rewind(self, weights: Mapping[str, Tensor]) -> None:
        """Go back to the time before the first step, with the weights that the model had then."""
        self.model.load_state_dict(weights)
        self.optimizers.clear()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """All that a later process needs to go on from here: tensors, and plain facts."""
        weights = {f"weights/{name}": tensor for name, tensor in self.model.state_dict().items()}
        return weights | self.optimizers.tensors() | self.averages.tensors(), {"swa_samples": self.averages.swa_samples}

    def load(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Put back what `state` gave."""
        parts: dict[str, dict[str, Tensor]] = {}
        for path, tensor in tensors.items():
            parts.setdefault(path.split("/")[0], {})[path] = tensor
        self.model.load_state_dict({path.removeprefix("weights/"): tensor for path, tensor in parts["weights"].items()})
        self.optimizers.load(tensors)
        self.averages.load(tensors, facts["swa_samples"])
