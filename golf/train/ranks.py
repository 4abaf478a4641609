"""The processes that train one model together: none beside this one, or a torchrun gang."""

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

_GROUPS = itertools.count()  # how many groups this process has joined; ranks join the same ones in the same order


@dataclass(frozen=True, slots=True)
class Ranks:
    """This process's place among `world` processes, and its device."""

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this is the process that owns the clock and all files."""
        return self.rank == 0

    def sum_(self, tensor: Tensor) -> None:
        """Replace a tensor on this process's device by its sum over all ranks, bit for bit the same on each."""
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
        """Wait until this process's device has done all that it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def meet(self) -> None:
        """Wait for all ranks."""
        self.sum_(torch.zeros(1, device=self.device))
        self.wait()


@contextmanager
def join_ranks() -> Iterator[Ranks]:
    """Join the gang that torchrun's environment describes, for the time of a `with` block.

    RANK, WORLD_SIZE and LOCAL_RANK are torchrun's; without them the process is alone. NCCL on GPUs, gloo on CPUs.
    """
    device = torch.device("cpu")
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(device)
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield Ranks(0, 1, device)
        return
    # torchrun's store outlives a process group: without a prefix of its own, the next group of the same processes
    # may meet the addresses that this one left there, and wait for ever.
    store, rank, world = next(rendezvous("env://"))
    store = PrefixStore(f"training {next(_GROUPS)}", store)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", store=store, rank=rank, world_size=world)
    try:
        yield Ranks(rank, world, device)
    finally:
        dist.destroy_process_group()


def end_process() -> None:
    """End a rank that has done its work and written its files, without the interpreter's shutdown.

    That would end gloo's threads in any order, and in one of about thirty runs abort in it (torch 2.13, measured).
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
