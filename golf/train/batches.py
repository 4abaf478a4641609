"""Training batches: windows of the token stream, as a pure function of the step, read one step ahead."""

from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from golf.data.stream import Stream
from golf.errors import InputError
from golf.train.config import TrainConfig
from golf.train.process_group import ProcessGroup

Batch = tuple[Tensor, Tensor]


def check_stream(tokens: Stream, config: TrainConfig, group: ProcessGroup) -> None:
    """Check that the processes can share a batch evenly, and that this one's part of the first batch fits the model.

    Raises:
        InputError: the stream has fewer than two tokens, batch_tokens is no multiple of seq_len × processes, or a token
            is outside the vocabulary.
    """
    if len(tokens) < 2:
        raise InputError(f"training tokens: {len(tokens)} tokens; expected at least 2")
    config.check_processes(group.world)
    read_batch(tokens, config, group, 0)


def read_batch(tokens: Stream, config: TrainConfig, group: ProcessGroup, step: int) -> Batch:
    """Inputs and targets of one rank at one step, each int64 [rows, seq_len] on the CPU, pinned if there is a GPU.

    Step s reads batch_tokens tokens from position s × batch_tokens on, wrapping around at the end of the stream.
    Targets are shifted by one token. Rank r of n takes the r-th of n equal parts, so that a step sees the same tokens
    for any n. Tokens are checked here, where they are read anyway: a rank never looks at those that it does not train
    on.

    Raises:
        InputError: a token is outside the vocabulary.
    """
    share = config.batch_tokens // group.world
    start = step * config.batch_tokens + group.rank * share
    ids = tokens.read(start, share + 1)
    _check_ids(ids, start % len(tokens), config.model.vocab_size)
    span = torch.from_numpy(ids)
    if group.device.type == "cuda":
        span = span.pin_memory()  # else the copy to the GPU would hold up the host
    inputs, targets = span[:-1], span[1:]
    return inputs.view(-1, config.seq_len), targets.view(-1, config.seq_len)


def _check_ids(ids: NDArray[np.int64], start: int, vocab_size: int) -> None:
    # By NumPy: for torch's operations, a thread of its own would start a pool of threads of its own.
    smallest, largest = int(ids.min()), int(ids.max())
    where = f"among the {len(ids)} from position {start} on"
    if smallest < 0:
        raise InputError(f"training tokens: id {smallest} {where}; expected at least 0")
    if largest >= vocab_size:
        raise InputError(f"training tokens: id {largest} {where}; expected below train.model.vocab_size = {vocab_size}")


class Batches:
    """The batches of consecutive steps: while a step runs, a thread reads the batch of the next.

    Used in a `with` block, whose end waits for the thread.
    """

    def __init__(self, tokens: Stream, config: TrainConfig, group: ProcessGroup, step: int) -> None:
        """Start to read the batch of step `step`, from 0."""
        self._stream, self._config, self._group, self._step = tokens, config, group, step
        self._thread = ThreadPoolExecutor(1, "batches", initializer=_choose_device, initargs=(group.device,))
        self._next = self._read()

    def __enter__(self) -> "Batches":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    def take(self) -> Batch:
        """The next batch of `read_batch`.

        Raises:
            InputError: a token of it is outside the vocabulary.
        """
        batch = self._next.result()
        self._step += 1
        self._next = self._read()
        return batch

    def _read(self) -> Future[Batch]:
        return self._thread.submit(read_batch, self._stream, self._config, self._group, self._step)


def _choose_device(device: torch.device) -> None:
    """Let a thread pin memory for its rank's GPU: threads begin with the first one, where it would take memory."""
    if device.type == "cuda":
        torch.cuda.set_device(device)
