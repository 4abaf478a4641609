"""The state that a training step changes: the model, its optimizers and its averages.

Letters of tensor shapes: B windows, T positions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from golf.model.attention import Kernel, choose_kernel
from golf.model.gpt import GPT
from golf.model.precision import compute_dtype
from golf.train.averaging import Averages
from golf.train.checksum import WeightsChecksum
from golf.train.config import TrainConfig
from golf.train.optimizers.muon import Optimizers
from golf.train.process_group import ProcessGroup

MICRO_TOKENS = {
    "cuda": 98_304,  # an eighth of PR 611's batch, which is what each of its GPUs processes at once, in 21 GB
    "meta": 98_304,  # stands for a GPU
    "cpu": 2_048,  # the fastest of 512 … 4,096 for a small model
}
"""Tokens of one forward and backward pass."""
CLIP_EPS = 1e-6
"""That of torch's clip_grad_norm_, which PR 611 uses."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """The result of a step, equal on all ranks."""

    loss: float
    """Mean loss of the step's tokens before the update, nats per token."""
    norm: float
    """Norm of the gradient before clipping."""
    seconds: float
    """Rank 0's training clock at the start of the step, rounded to fp32."""
    checksums: tuple[float, ...] = ()
    """Of every rank's weights before the update (golf.train.checksum); empty for one process."""


class Readback:
    """Copies a few numbers from the device to the host without waiting for work queued later."""

    def __init__(self, count: int, device: torch.device) -> None:
        self._arrived = torch.Event(device) if device.type == "cuda" else None
        self._host = torch.empty(count, pin_memory=self._arrived is not None)

    def send(self, numbers: Tensor) -> None:
        """Queue the copy of a vector of `count` numbers."""
        self._host.copy_(numbers, non_blocking=True)
        if self._arrived is not None:
            self._arrived.record()

    def receive(self) -> list[float]:
        """Wait for the last `send` only, and return its numbers."""
        if self._arrived is not None:
            self._arrived.synchronize()
        return self._host.tolist()


class Learner:
    """A model in training; its state is bit-identical on all ranks, whose checksums each step compares.

    All ranks make the same update from the same gradient, the sum of theirs. From run to run that gradient is
    bit-identical on a CPU only: kernels of a GPU add in any order.
    """

    def __init__(
        self,
        config: TrainConfig,
        group: ProcessGroup,
        generator: torch.Generator,
        *,
        dtype: torch.dtype | None = None,
    ) -> None:
        """Draw the initial weights.

        Args:
            config: shape and settings.
            group: the processes that train together; its device is where this one computes.
            generator: of the initial weights, on the CPU.
            dtype: of forward pass, backward pass and Newton–Schulz; the device's fastest by default.
        """
        self.config, self.group = config, group
        self.model = GPT(config.model)
        if group.device.type != "meta":  # has no numbers to draw, which would take half a minute at full size
            self.model.initialize(generator)
        self.model.to(group.device)
        self.dtype = dtype or compute_dtype(group.device)
        self.optimizers = Optimizers.build(self.model, config, self.dtype)
        self.averages = Averages(self.model.state_dict(), config)
        self.rotary = self.model.rotary(config.seq_len)
        compiled = group.device.type == "cuda"
        self.kernel = self._choose_kernel(compiled)
        self.hidden = torch.compile(self._hidden, dynamic=False, fullgraph=True) if compiled else self._hidden
        self._checksum = WeightsChecksum(self.model.parameters()) if group.world > 1 else None
        tail = 2 if self._checksum is None else 2 + group.world
        self._bucket = self._gradient_bucket(tail)
        self._gradient, self._tail = self._bucket[:-tail], self._bucket[-tail:]
        self._readback = Readback(1 + tail, group.device)

    def _choose_kernel(self, compiled: bool) -> Kernel:
        """The attention kernel of all ranks: rank 0 chooses, and one that cannot use it says so."""

        def choose(choice: str) -> Kernel:
            head_dim = self.config.model.head_dim
            return choose_kernel(choice, self.group.device, self.dtype, head_dim=head_dim, compiled=compiled)

        chosen = choose(self.config.attention) if self.group.is_first else None
        name = self.group.share(b"" if chosen is None else chosen.name.encode()).decode()
        return chosen or choose(name)

    def _gradient_bucket(self, tail: int) -> Tensor:
        """One fp32 vector of all gradients and a tail of this length, so that a step needs a single all-reduce.

        Each parameter's .grad is a view of it. Large parameters come first, which aligns their views to 64 elements.
        The tail has the loss, the clock, and the checksum of each of several ranks: every rank fills its own place and
        leaves zeros in the others.
        """
        parameters = sorted(self.model.parameters(), key=torch.Tensor.numel, reverse=True)
        sizes = [parameter.numel() for parameter in parameters]
        bucket = torch.zeros(sum(sizes) + tail, device=self.group.device)
        for parameter, part in zip(parameters, torch.split(bucket[:-tail], sizes), strict=True):
            parameter.grad = part.view_as(parameter)
        return bucket

    def _hidden(self, inputs_BT: Tensor) -> Tensor:
        return self.model.hidden(inputs_BT, dtype=self.dtype, rotary=self.rotary, attend=self.kernel.attend)

    def step(
        self, batch: tuple[Tensor, Tensor], *, lr_scale: float, momentum: float, seconds: float, clip: bool = True
    ) -> StepResult:
        """Make one update from this rank's part of the batch.

        The result is read back while the optimizers run, so that a GPU never waits for its next batch.

        Args:
            batch: inputs and targets of `read_batch`.
            lr_scale: factor on all learning rates.
            momentum: of Muon.
            seconds: rank 0's training clock.
            clip: whether to clip the gradient.
        """
        self._bucket.zero_()
        self._tail[1] = seconds if self.group.is_first else 0.0
        if self._checksum is not None:
            self._tail[2 + self.group.rank] = self._checksum.compute()
        rows = max(1, MICRO_TOKENS[self.group.device.type] // self.config.seq_len)
        on_device = (side.to(self.group.device, non_blocking=True) for side in batch)
        for inputs, targets in zip(*(torch.split(side, rows) for side in on_device), strict=True):
            part, _ = self.model.loss(self.hidden(inputs), targets, scale=1 / self.config.batch_tokens)
            torch.autograd.backward(part)
            self._tail[0] += part.detach()
        self.group.sum_(self._bucket)
        norm = self._gradient.norm()
        if clip:
            self._gradient.mul_((self.config.clip / (norm + CLIP_EPS)).clamp(max=1.0))
        self._readback.send(torch.cat((norm[None], self._tail)))
        self.optimizers.step(lr_scale=lr_scale, momentum=momentum)
        read_norm, loss, clock, *checksums = self._readback.receive()
        return StepResult(loss, read_norm, clock, tuple(checksums))

    def final_checksums(self) -> list[float]:
        """The checksum of each rank's weights and averages after the last step; empty for one process."""
        if self._checksum is None:
            return []
        # By name: those of a checkpoint come in any order.
        averages = [tensor for _, tensor in sorted(self.averages.tensors().items())]
        last = WeightsChecksum([*self.model.parameters(), *averages])
        checksums = torch.zeros(self.group.world, device=self.group.device)
        checksums[self.group.rank] = last.compute()
        self.group.sum_(checksums)
        return checksums.tolist()

    def average(self, *, steps_done: int, lr_scale: float) -> None:
        """Update the averages, if they are due after `steps_done` steps."""
        self.averages.update(self.model.state_dict(), steps_done=steps_done, lr_scale=lr_scale)

    def rewind(self, weights: Mapping[str, Tensor]) -> None:
        """Undo all steps: restore the initial weights and clear the optimizers."""
        self.model.load_state_dict(weights)
        self.optimizers.clear()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything that a later process needs to resume: tensors, and facts as plain JSON."""
        weights = {f"weights/{name}": tensor for name, tensor in self.model.state_dict().items()}
        return weights | self.optimizers.tensors() | self.averages.tensors(), {"swa_samples": self.averages.swa_samples}

    def load(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Restore the result of `state`."""
        parts: dict[str, dict[str, Tensor]] = {}
        for path, tensor in tensors.items():
            parts.setdefault(path.split("/")[0], {})[path] = tensor
        self.model.load_state_dict({path.removeprefix("weights/"): tensor for path, tensor in parts["weights"].items()})
        self.optimizers.load(tensors)
        self.averages.load(tensors, facts["swa_samples"])
