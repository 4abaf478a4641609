"""The byte ledger of an artifact: where its bytes go, and how many are needed at least.

The bound is the empirical entropy of order 0: of a matrix of whole numbers, that of its values; of floats, that of each
byte of theirs, tensor by tensor and without what the frequencies themselves would cost. Models that know more than
frequencies, such as the scale of a row, can go below it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(slots=True)
class GroupBytes:
    """Bytes of one group of tensors."""

    weights: int = 0
    stored_bytes: int = 0
    """Before coding."""
    entropy_bytes: float = 0.0
    coded_bytes: int | None = None
    """Of the body; None where the codec does not tell tensors apart."""

    def add(self, stored: NDArray[Any], weights: int) -> None:
        """Count one array in."""
        self.weights += weights
        self.stored_bytes += stored.nbytes
        self.entropy_bytes += entropy_bytes(stored)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """Where an artifact's bytes go."""

    model_bytes: int
    header_bytes: int
    body_bytes: int
    """The coded body: model without header."""
    groups: Mapping[str, GroupBytes]

    @property
    def entropy_bytes(self) -> float:
        """The bound of all groups."""
        return sum(group.entropy_bytes for group in self.groups.values())

    @property
    def above_entropy(self) -> float | None:
        """How far the body is above the bound, as a share of it; below it where negative."""
        return self.body_bytes / self.entropy_bytes - 1 if self.entropy_bytes else None

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "entropy_bytes": self.entropy_bytes, "above_entropy": self.above_entropy}


def group_of(name: str) -> str:
    """The group that a tensor's bytes are booked under, by its name."""
    if name == "tok_emb.weight":
        return "embedding"
    for part, group in ((".attn.", "attention"), (".mlp.", "mlp"), ("bigram.", "bigram")):
        if part in f".{name}" and name.endswith(".weight"):
            return group
    return "control"


def entropy_bytes(stored: NDArray[Any]) -> float:
    """Empirical entropy of order 0 of one-byte values, or of each byte of longer ones, in bytes."""
    planes = np.ascontiguousarray(stored).reshape(-1).view(np.uint8).reshape(-1, stored.itemsize)
    total = 0.0
    for plane in planes.T:
        counts = np.bincount(plane)
        counts = counts[counts > 0]
        total -= float((counts * np.log2(counts / max(1, plane.size))).sum()) / 8
    return total
