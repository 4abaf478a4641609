"""Settings of an evaluation, apart from the adapters' seed and the documents."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from golf.errors import InputError, ShortRepr, shown, shown_name
from golf.model.attention import choice_problems
from golf.model.precision import Precision
from golf.ranges import DECAY, GPUS, POSITIONS, RATE, SECONDS, SHARE, Range, outside
from golf.ttt.adapters import KINDS, AdapterRanks, Multipliers
from golf.ttt.protocols import PROTOCOLS

Schedule = Literal["constant", "cosine", "per-chunk"]
Floats = NDArray[np.float64]

SCHEDULE_FLOOR = 0.1
"""Minimum factor of every schedule (PR 611 for the cosine)."""


RANGES: Mapping[str, Range] = {
    "alpha": RATE,
    "lr": RATE,
    "chunk_decay": Range(0, 1, without_low=True),
    "epochs": Range(1, 1000),
    "chunk": POSITIONS,
    "window": POSITIONS,
    "min_document_tokens": Range(0, 2**31 - 1),
    "betas": SHARE,
    "eps": RATE,
    "weight_decay": DECAY,
    "nll_factor": RATE,
    "gpus": GPUS,
    "max_seconds": SECONDS,
}
"""Range of each number."""


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class EvalConfig(ShortRepr):
    """Settings of an evaluation; the defaults are the preset `score-first`: legal and independent of document length.

    Raises:
        InputError: a line for each value that is out of range or does not go with another, with its key in the file.
    """

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    protocol: str = "score-first"
    """Which scores count and what is trained on before them, of golf.ttt.protocols.PROTOCOLS."""
    adapters: tuple[str, ...] = ("q", "k", "v", "head", "bias")
    """Kinds of adapters, from golf.ttt.adapters.KINDS."""
    ranks: AdapterRanks = field(default_factory=AdapterRanks)
    alpha: float | None = None
    """Matrix adapters are scaled by alpha / rank (Hu et al. 2021, arXiv 2106.09685); by 1 if None (PR 77)."""
    multipliers: Multipliers = field(default_factory=Multipliers)
    lr: float = 0.003
    schedule: Schedule = "constant"
    chunk_decay: float = 0.9
    """Factor of the schedule `per-chunk` from one chunk to the next."""
    epochs: int = 1
    chunk: int = 256
    """Predictions that are scored, then trained on, together."""
    window: int = 1024
    """Most positions of a chunk's window, the chunk included."""
    min_document_tokens: int = 0
    """Documents with fewer tokens are scored without adapting."""
    length_blind: bool = True
    """Whether the last chunk's window starts where that of a full chunk would, independent of the document's end."""
    betas: tuple[float, float] = (0.9, 0.95)
    eps: float = 1e-10
    weight_decay: float = 0.0
    nll_factor: float = 1.0
    """Factor on the reported loss of adapted documents; with any other factor than 1 it is no probability."""
    attention: str = "auto"
    """Attention kernel, of golf.model.kernels.KERNELS; `auto` is the best one that works here."""
    precision: Precision = "auto"
    """Numbers of the forward and backward pass; `auto` is bfloat16 on GPUs and float32 on CPUs.

    Adapters, their moments, logits and losses are float32 in any case.
    """
    gpus: int = 8
    max_seconds: float | None = 600.0
    """Time limit of scoring; taking longer is an error."""

    def __post_init__(self) -> None:
        problems = [*outside(self, "eval", RANGES), *choice_problems(self.attention, "eval.attention")]
        problems += self._wrong_names()
        if not problems and self.window < self.chunk:
            problems.append(f"eval.window = {self.window}: must be at least eval.chunk = {self.chunk}")
        if problems:
            raise InputError(*problems)

    def _wrong_names(self) -> Iterator[str]:
        """A protocol or a kind of adapter that does not exist, or a kind that is named twice."""
        if self.protocol not in PROTOCOLS:
            yield f"eval.protocol = {shown(self.protocol)}: no such protocol; known are {', '.join(PROTOCOLS)}"
        for kind in (kind for kind in self.adapters if kind not in KINDS):
            yield f'eval.adapters: unknown kind "{shown_name(kind)}"; known are {" ".join(KINDS)}'
        if len(set(self.adapters)) < len(self.adapters):
            yield f"eval.adapters = {shown(list(self.adapters))}: expected each kind once"

    @property
    def adapts(self) -> bool:
        """Whether the protocol trains anything at test time."""
        return PROTOCOLS[self.protocol].adapts

    @property
    def passes(self) -> int:
        """How often a document is read from start to end."""
        return PROTOCOLS[self.protocol].passes(self.epochs)

    @property
    def lowest_counts(self) -> bool:
        """Whether the pass of lowest loss counts, document by document, instead of the last pass."""
        return PROTOCOLS[self.protocol].counted == "lowest"

    @property
    def steps_per_chunk(self) -> int:
        """Updates on a chunk within one pass."""
        return PROTOCOLS[self.protocol].updates(self.epochs)

    def rate_factor(self, update: Floats, chunk: Floats, chunks: Floats) -> Floats:
        """Factors on the learning rate, from 1 down to 0.1, of updates of N documents, [updates, N].

            cosine      max(½(1 + cos(π·update / updates)), 0.1), over all updates of a document (PR 611)
            per-chunk   max(chunk_decay^chunk, 0.1), which does not depend on the document's length

        Args:
            update: number of each update, from 0, over all passes, [updates, N].
            chunk: number of the chunk, from 0, [N].
            chunks: number of chunks of the document, [N].
        """
        if self.schedule == "constant":
            return np.ones_like(update)
        if self.schedule == "per-chunk":
            return np.maximum(self.chunk_decay**chunk, SCHEDULE_FLOOR) * np.ones_like(update)
        return np.maximum(
            0.5 * (1 + np.cos(np.pi * update / (self.passes * self.steps_per_chunk * chunks))), SCHEDULE_FLOOR
        )
