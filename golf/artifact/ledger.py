"""The byte ledger of an artifact: bytes by group of tensors, compared with the entropy of the weights.

The entropy is the empirical one of order 0, tensor by tensor: of the values of a quantized matrix, and of each byte
position of floats. It leaves out the cost of a frequency table. A codec that models more than frequencies, such as the
scale of a row, can need fewer bytes.
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
    """Bytes before coding."""
    entropy_bytes: float = 0.0
    coded_bytes: int | None = None
    """Bytes in the body; None if the codec compresses all tensors together."""

    def add(self, stored: NDArray[Any], weights: int) -> None:
        """Add an array with this many weights."""
        self.weights += weights
        self.stored_bytes += stored.nbytes
        self.entropy_bytes += entropy_bytes(stored)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ledger:
    """The bytes of an artifact."""

    model_bytes: int
    header_bytes: int
    body_bytes: int
    """The coded weights, without the header."""
    groups: Mapping[str, GroupBytes]

    @property
    def entropy_bytes(self) -> float:
        """Entropy of all groups, in bytes."""
        return sum(group.entropy_bytes for group in self.groups.values())

    @property
    def above_entropy(self) -> float | None:
        """(body_bytes − entropy_bytes) / entropy_bytes; None if the entropy is 0."""
        return self.body_bytes / self.entropy_bytes - 1 if self.entropy_bytes else None

    def to_json(self) -> dict[str, Any]:
        """The ledger as plain data."""
        return {**asdict(self), "entropy_bytes": self.entropy_bytes, "above_entropy": self.above_entropy}


def group_of(name: str) -> str:
    """The group of a tensor, by its name."""
    if name == "tok_emb.weight":
        return "embedding"
    for part, group in ((".attn.", "attention"), (".mlp.", "mlp"), ("bigram.", "bigram")):
        if part in f".{name}" and name.endswith(".weight"):
            return group
    return "control"


def entropy_bytes(stored: NDArray[Any]) -> float:
    """Empirical order-0 entropy in bytes: of one-byte values, or summed over the byte positions of longer values."""
    planes = np.ascontiguousarray(stored).reshape(-1).view(np.uint8).reshape(-1, stored.itemsize)
    total = 0.0
    for plane in planes.T:
        counts = np.bincount(plane)
        counts = counts[counts > 0]
        total -= float((counts * np.log2(counts / max(1, plane.size))).sum()) / 8
    return total
