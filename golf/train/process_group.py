"""The processes that train one model together: this process alone, or a torchrun gang."""

import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed import PrefixStore, rendezvous  # type: ignore[attr-defined]  # public, but not in __all__

_GROUPS = itertools.count()
"""Counts the groups that this process has joined; all ranks join the same groups in the same order."""


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """This process's rank among `world` processes, its device, and communication between them."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process owns the clock and all files."""
        return self.rank == 0

    def sum_(self, tensor: Tensor) -> None:
        """Replace a tensor on this process's device by its sum over all ranks; the result is bit-identical on all."""
        if self.world > 1:
            dist.all_reduce(tensor)

    def share(self, content: bytes) -> bytes:
        """Return rank 0's bytes on every rank."""
        if self.world == 1:
            return content
        length = torch.tensor([len(content)], device=self.device)
        dist.broadcast(length, src=0)
        if not length:
            return b""
        data = torch.empty(int(length), dtype=torch.uint8, device=self.device)
        if self.is_first:
            data.copy_(torch.from_numpy(np.frombuffer(bytearray(content), dtype=np.uint8)))
        dist.broadcast(data, src=0)
        return data.cpu().numpy().tobytes()

    def wait(self) -> None:
        """Wait until this process's device has finished its queued work."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def barrier(self) -> None:
        """Wait until all ranks reach this call."""
        self.sum_(torch.zeros(1, device=self.device))
        self.wait()


@contextmanager
def join_process_group() -> Iterator[ProcessGroup]:
    """Join the gang that torchrun's environment describes (RANK, WORLD_SIZE, LOCAL_RANK) for a `with` block.

    Without these variables the process is alone. Uses NCCL on GPUs and gloo on CPUs.
    """
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ProcessGroup(0, 1, device)
        return
    # torchrun's store outlives a process group: without its own prefix, a later group of the same processes may read
    # the addresses that an earlier one left there, and hang.
    store, rank, world = next(rendezvous("env://"))
    store = PrefixStore(f"training {next(_GROUPS)}", store)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", store=store, rank=rank, world_size=world)
    try:
        yield ProcessGroup(rank, world, device)
    finally:
        dist.destroy_process_group()


def end_process() -> None:
    """Exit a rank that has written its files, without the interpreter's shutdown.

    The shutdown stops gloo's threads in any order, and aborts in about one of thirty runs (measured with torch 2.13).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
