"""Write checkpoints in the background: training waits for a copy of its state, not for the disk."""

from collections.abc import Mapping
from concurrent import futures
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from golf.train import checkpoint


class CheckpointWriter:
    """Writes one file again and again in a thread, one write at a time.

    A reader sees the last complete write, also if the process is killed. Used in a `with` block, whose end waits for
    the write in flight.
    """

    def __init__(self, path: Path, device: torch.device) -> None:
        """Take the file's path and the device of the tensors."""
        self._path, self._device = path, device
        self._last_step: int | None = None
        self._host: dict[str, Tensor] = {}
        self._thread = ThreadPoolExecutor(1, "checkpoints")
        self._write: Future[None] | None = None

    def __enter__(self) -> "CheckpointWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if error is None:  # else that is the cause to report
            self.wait()

    @property
    def is_free(self) -> bool:
        """Whether no write is in flight."""
        return self._write is None or self._write.done()

    def start(self, tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        """Copy the state of one step and start to write it with facts, "step" among them, after the write in flight.

        Returns when the tensors may change: on a CPU once they are copied; on a GPU once the copies are queued, since
        its stream changes them only after it has copied them.

        Raises:
            OSError: the write before failed.
        """
        self.wait()
        copies = {name: self._copy(name, tensor) for name, tensor in tensors.items()}
        copied = torch.Event(self._device) if self._device.type == "cuda" else None
        if copied is not None:
            copied.record()
        self._write = self._thread.submit(self._save, copies, dict(facts), copied)

    def wait(self) -> None:
        """Wait for the write in flight.

        Raises:
            OSError: it failed.
        """
        write, self._write = self._write, None
        if write is not None:
            write.result()

    def last_step(self) -> int | None:
        """The step of the last complete write, after waiting for the write in flight; None if there is none."""
        if self._write is not None:
            futures.wait([self._write])
        return self._last_step

    def reserve(self, tensors: Mapping[str, Tensor]) -> None:
        """Allocate memory for copies of such tensors, which takes longer than to copy them."""
        for name, tensor in tensors.items():
            self._host[name] = torch.zeros(tensor.shape, dtype=tensor.dtype, pin_memory=self._device.type == "cuda")

    def _copy(self, name: str, tensor: Tensor) -> Tensor:
        if name not in self._host:
            self.reserve({name: tensor})
        return self._host[name].copy_(tensor.detach(), non_blocking=True)

    def _save(self, copies: Mapping[str, Tensor], facts: Mapping[str, Any], copied: torch.Event | None) -> None:
        if copied is not None:
            copied.synchronize()
        checkpoint.save(self._path, copies, facts)
        self._last_step = facts["step"]
