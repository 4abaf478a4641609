"""Scores in nats, and their conversion to bits per byte.

    BPB = (sum of NLL in nats / ln 2) / (UTF-8 bytes of the text predicted)

Both sums run over all documents, so that a long document weighs more than a short one.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LN2 = math.log(2.0)


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class Scores:
    """The result of an evaluation, in the order of its documents.

    Raises:
        ValueError: the fields differ in length, or a loss is not finite.
    """

    token_nll: tuple[NDArray[np.float32], ...]
    """For every document the NLL at positions 1 … n − 1 in nats, float32 [n − 1]."""
    adapted: NDArray[np.bool_]
    """Whether the document was adapted to, bool [documents]."""
    counted_pass: NDArray[np.int32]
    """The pass over the document whose losses count, from 0, int32 [documents]."""
    num_bytes: int | None = None
    """UTF-8 bytes of the documents' texts; None where nobody has counted them."""

    def __post_init__(self) -> None:
        for name in ("adapted", "counted_pass"):
            size = getattr(self, name).shape
            if size != (len(self.token_nll),):
                raise ValueError(f"{len(self.token_nll)} documents have losses; {name} has shape {size}")
        for index, nll in enumerate(self.token_nll):
            if nll.ndim != 1 or not np.isfinite(nll).all():
                raise ValueError(
                    f"document {index}: losses of shape {nll.shape}; expected one finite number per target"
                )

    @property
    def nll(self) -> NDArray[np.float64]:
        """Total NLL of each document in nats, float64 [documents]."""
        return np.array([nll.sum(dtype=np.float64) for nll in self.token_nll], np.float64)

    @property
    def tokens(self) -> NDArray[np.int64]:
        """Predictions of each document, int64 [documents]."""
        return np.array([nll.size for nll in self.token_nll], np.int64)

    @property
    def nll_per_token(self) -> float:
        """Mean NLL in nats over all tokens; NaN without any."""
        tokens = int(self.tokens.sum())
        return float(self.nll.sum()) / tokens if tokens else math.nan

    @property
    def bpb(self) -> float:
        """Bits per byte over all documents.

        Raises:
            ValueError: the bytes of the texts are not known.
        """
        if self.num_bytes is None:
            raise ValueError("the bytes of these documents' texts are not known; use bits_per_byte(nll, num_bytes)")
        return bits_per_byte(float(self.nll.sum()), self.num_bytes)

    def __repr__(self) -> str:
        score = f"{self.nll_per_token:.4f} nats per token" if not self.num_bytes else f"{self.bpb:.4f} bpb"
        return f"Scores({score}, {len(self.token_nll)} documents, {int(self.tokens.sum()):,} tokens)"


def bits_per_byte(nll: float, num_bytes: int) -> float:
    """Bits per byte of a total NLL in nats over a text of `num_bytes` UTF-8 bytes.

    Raises:
        ValueError: the text has no bytes.
    """
    if num_bytes <= 0:
        raise ValueError(f"bits per byte of a text of {num_bytes} bytes; expected at least one")
    return nll / LN2 / num_bytes


def nats_per_token_to_bpb(nats: float, tokens: int, num_bytes: int) -> float:
    """Convert a difference in nats per token to bits per byte, for a set of this many tokens and bytes.

    With the challenge's vocabulary of 1,024, a difference of 0.005 nats per token is 0.0030 BPB.
    """
    return bits_per_byte(nats * tokens, num_bytes)
