"""Training batches: the token stream cut into windows, as a pure function of the step."""

import torch
from torch import Tensor

from golf.data.stream import Stream
from golf.errors import InputError
from golf.train.config import TrainConfig
from golf.train.ranks import Ranks


def check_stream(tokens: Stream, config: TrainConfig, ranks: Ranks) -> None:
    """Refuse a stream or a division of the batch that cannot be trained on.

    Raises:
        InputError: fewer than two tokens, an id outside the vocabulary, or rows that the processes cannot share evenly.
    """
    if len(tokens) < 2:
        raise InputError(f"training tokens: {len(tokens)} found, at least 2 are needed")
    if (smallest := tokens.smallest) < 0:
        raise InputError(f"training tokens: id {smallest} is below 0")
    if (largest := tokens.largest) >= config.model.vocab_size:
        raise InputError(
            f"training tokens: id {largest} is not below train.model.vocab_size = {config.model.vocab_size}"
        )
    if config.batch_tokens % (config.seq_len * ranks.world):
        raise InputError(
            f"train.batch_tokens = {config.batch_tokens}: must be a multiple of seq_len × processes "
            f"= {config.seq_len} × {ranks.world}"
        )


def read_batch(tokens: Stream, config: TrainConfig, ranks: Ranks, step: int) -> tuple[Tensor, Tensor]:
    """Inputs and targets of one rank at one step, each int64 [rows, seq_len] on the CPU.

    Step s reads batch_tokens tokens from position s × batch_tokens on, wrapping at the stream's end; targets are the
    tokens one further. Rank r of n takes the r-th n-th of the rows, so that n does not change what a step sees.
    """
    share = config.batch_tokens // ranks.world
    start = step * config.batch_tokens + ranks.rank * share
    span = torch.from_numpy(tokens.read(start, share + 1))
    inputs, targets = span[:-1], span[1:]
    return inputs.view(-1, config.seq_len), targets.view(-1, config.seq_len)
