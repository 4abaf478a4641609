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
    """`"score-first"` scores a chunk before training on it (legal). `"last-epoch"` and `"min-epoch"` pass over the
    document `eval.epochs` times and count the last or the best pass (not legal with more than one). `"none"` adapts
    nothing.
    """
    adapters: tuple[str, ...] = ("q", "k", "v", "head", "bias")
    """Parts of the model that get adapters, of `q k v o fc proj head bias`."""
    ranks: AdapterRanks = field(default_factory=AdapterRanks)
    alpha: float | None = None
    """Scales a matrix adapter by alpha / rank (Hu et al. 2021, arXiv 2106.09685); without it by 1 (PR 77)."""
    multipliers: Multipliers = field(default_factory=Multipliers)
    lr: float = 0.003
    """Learning rate of the adapters."""
    schedule: Schedule = "constant"
    """`"constant"`, `"cosine"` over a document's updates, or `"per-chunk"`, which decays from chunk to chunk and does
    not look at the length.
    """
    chunk_decay: float = 0.9
    """Factor from one chunk to the next of `"per-chunk"`."""
    epochs: int = 1
    """Updates on each chunk (score-first), or passes over the document (last-epoch, min-epoch)."""
    chunk: int = 256
    """Predictions that are scored, then trained on, at a time."""
    window: int = 1024
    """Most positions that a chunk sees, its own included."""
    min_document_tokens: int = 0
    """Documents with fewer tokens are scored without test-time training."""
    length_blind: bool = True
    """The last chunk's window starts where a full chunk's would. If false, it depends on where the document ends, which
    the audit reports as `length`, or as `length-effect`, a breach, above 0.005 nats per token.
    """
    betas: tuple[float, float] = (0.9, 0.95)
    """Adam's decay of the first and second moment."""
    eps: float = 1e-10
    """Adam's epsilon."""
    weight_decay: float = 0.0
    """Decoupled weight decay of the adapters."""
    nll_factor: float = 1.0
    """Factor on the reported loss; with anything but 1 the score is no probability."""
    attention: str = "auto"
    """Attention kernel, as for training."""
    precision: Precision = "auto"
    """`"float32"`, `"bfloat16"`, or the device's: bfloat16 on GPUs, float32 on CPUs. The audit judges in float32 in any
    case.
    """
    gpus: int = 8
    """Workers that share the documents of one evaluation."""
    max_seconds: float | None = 600.0
    """Limit of the scoring clock; an evaluation that takes longer fails."""

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
