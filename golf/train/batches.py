"""Training batches: windows of the token stream, as a pure function of the step."""

import torch
from torch import Tensor

from golf.data.stream import Stream
from golf.errors import InputError
from golf.train.config import TrainConfig
from golf.train.process_group import ProcessGroup


def check_stream(tokens: Stream, config: TrainConfig, group: ProcessGroup) -> None:
    """Check that the stream fits the model and that the processes can share a batch evenly.

    Raises:
        InputError: the stream has fewer than two tokens or a token outside the vocabulary, or batch_tokens is no
        multiple
            of seq_len × processes.
    """
    if len(tokens) < 2:
        raise InputError(f"training tokens: {len(tokens)} tokens; expected at least 2")
    if (smallest := tokens.smallest) < 0:
        raise InputError(f"training tokens: id {smallest}; expected at least 0")
    if (largest := tokens.largest) >= config.model.vocab_size:
        raise InputError(
            f"training tokens: id {largest}; expected below train.model.vocab_size = {config.model.vocab_size}"
        )
    if config.batch_tokens % (config.seq_len * group.world):
        raise InputError(
            f"train.batch_tokens = {config.batch_tokens}: must be a multiple of seq_len × processes "
            f"= {config.seq_len} × {group.world}"
        )


def read_batch(tokens: Stream, config: TrainConfig, group: ProcessGroup, step: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one rank at one step, each int64 [rows, seq_len] on the CPU.

    Step s reads batch_tokens tokens from position s × batch_tokens on, wrapping around at the end of the stream.
    Targets are shifted by one token. Rank r of n takes the r-th of n equal parts, so that a step sees the same tokens
    for any n.
    """
    share = config.batch_tokens // group.world
    start = step * config.batch_tokens + group.rank * share
    span = torch.from_numpy(tokens.read(start, share + 1))
    inputs, targets = span[:-1], span[1:]
    return inputs.view(-1, config.seq_len), targets.view(-1, config.seq_len)
