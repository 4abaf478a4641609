"""Compare the weights of all ranks at every step, within the all-reduce that the step needs anyway.

Each rank updates its own copy of the weights from the same gradient. A rank that computes something else, by a fault of
its memory or because its software differs, would go unnoticed and spoil the gradient of all.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from golf.errors import RanksDiffer

COLUMNS = 4096
PRIME = 16_777_213
"""The largest prime below 2²⁴, so that fp32 holds each checksum exactly and a sum with zeros keeps it.

It divides no 2ʲ − 1 for j ≤ 32: the change of a column sum by one flipped bit, 2ᵏ or 2ᵏ − 2³², is never lost.
"""


class WeightsChecksum:
    """A checksum of all weights' bits, by integer arithmetic: exact in any order of the sums, on any device.

    It copies the weights into one vector and sums its columns modulo 2³². For the 27 million weights of PR 611 that is
    two large kernels, which move a thousandth of a step's bytes: there is no need to check fewer weights or steps.
    Columns have different factors, lest opposite changes of two weights cancel.
    """

    def __init__(self, weights: Iterable[Tensor]) -> None:
        """Take the fp32 tensors to watch, all on one device."""
        self._weights = tuple(weights)
        self._size = sum(weight.numel() for weight in self._weights)
        device = self._weights[0].device
        self._copy = torch.zeros(-(-self._size // COLUMNS) * COLUMNS, device=device)
        self._factors = torch.arange(1, COLUMNS + 1, device=device)

    @torch.no_grad()
    def compute(self) -> Tensor:
        """An integer from 0 to PRIME − 1, int64 []; it differs if one bit of one weight does."""
        torch.cat([weight.view(-1) for weight in self._weights], out=self._copy[: self._size])
        sums = self._copy.view(torch.int32).view(-1, COLUMNS).sum(0, dtype=torch.int32)
        return (sums * self._factors).sum() % PRIME


def require_equal(checksums: Sequence[float], step: int) -> None:
    """Check the checksums of all ranks, by rank, that a step read back.

    Raises:
        RanksDiffer: they are not all the same.
    """
    if len(set(checksums)) <= 1:
        return
    ranks: dict[float, list[str]] = {}
    for rank, checksum in enumerate(checksums):
        ranks.setdefault(checksum, []).append(str(rank))
    groups = sorted(ranks.values(), key=len)
    raise RanksDiffer(
        f"training: after {step} steps the weights of rank {', '.join(groups[0])} differ from those of rank "
        f"{', '.join(groups[-1])}; train again, and on other GPUs if that repeats"
    )
