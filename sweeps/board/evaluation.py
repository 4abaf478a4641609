"""What rows are made from: one evaluation of a recipe and seed, or a public record of which only numbers are known.

What is not known is None, never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from golf.score import bits_per_byte, nats_per_token_to_bpb
from sweeps.board.rules import Finding, Track

Stage = tuple[float, int]
"""When a row came: epoch seconds of its sweep's creation, then 0 for an arm and 1 for a search's winner; for a public
record its date, then 0. Jobs end in any order, so their own times say nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextSet:
    """The fingerprint of a set of documents, and the unit that belongs to it.

    A nat per token is worth another number of bits per byte on every text and under every tokenizer: the conversion is
    this set's own, and nats are never compared across tokenizers.
    """

    data: str
    """Digest of the tokens: only evaluations of the same text are compared."""
    tokenizer: str
    documents: int
    tokens: int
    bytes: int

    def bpb(self, nats: float) -> float:
        """Bits per byte of so many nats per token on this text."""
        return nats_per_token_to_bpb(nats, self.tokens, self.bytes)

    def nats(self, bpb: float) -> float:
        """Nats per token of so many bits per byte on this text."""
        return bpb / self.bpb(1.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One recipe and seed, evaluated."""

    row: str
    seed: int
    sweep: str = ""
    nll: float
    """Nats over the whole text."""
    text: TextSet
    scores: str | None
    """Digest of the table of documents."""
    artifact: str
    weights: str | None = None
    """Digest of what was trained, before it was quantized: rows that share it share the noise of their seeds."""
    model_bytes: int
    code_bytes: int
    """Of the code as it is shipped."""
    clocks: Mapping[str, float]
    """Seconds by stage and clock, such as train.process_seconds; train.train_seconds and eval.eval_seconds at least."""
    cost: float | None
    stage: Stage
    whole_set: bool
    fresh_seed: bool
    source_bytes: int | None = None
    """Of the same code as it is written; None where only one size is known."""
    adapts: bool = True
    """Whether the protocol changes anything at test time."""
    trained_bpb: float | None = None
    """Bits per byte of the weights before quantization, without any adaptation."""
    quantized_bpb: float | None = None
    """The same of the artifact."""
    steps: int | None = None
    machine: str | None = None
    code: tuple[str | None, ...] = ()
    """Commits of the code that its jobs ran."""
    settings: str | None = None
    """Digest of every setting."""
    trials: int = 0
    """Settings that were tried before this one was chosen."""
    audited: bool = False
    """Whether the scorer was judged from outside."""
    findings: tuple[Finding, ...] = ()
    """What its protocol was found to do, or says of itself."""

    @property
    def bpb(self) -> float:
        """Bits per byte over all documents."""
        return bits_per_byte(self.nll, self.text.bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedRow:
    """A public record: scores of its seeds and whatever facts its folder gave; no documents, so nothing is paired."""

    name: str
    seeds: Mapping[str, float | None]
    """Seed, as it is printed, → bits per byte; None where a seed is claimed and no log gives its score."""
    date: float | None = None
    """Epoch seconds; None is later than every date, since nothing shows that it was earlier."""
    track: Track = "unverified"
    model_bytes: int | None = None
    code_bytes: int | None = None
    total_bytes: int | None = None
    train_seconds: float | None = None
    eval_seconds: float | None = None
    clocks: Mapping[str, float] = field(default_factory=dict)
    steps: int | None = None
    trained_bpb: float | None = None
    quantized_bpb: float | None = None
    tokenizer: str | None = None
    bpb_per_nat: float | None = None
    """Bits per byte of a nat per token, as its logs print both; without it there is no margin in bits per byte."""
    findings: tuple[Finding, ...] = ()
    author: str | None = None
    url: str | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ImportedRow":
        """A record as plain data of this class's fields; findings as nested tables, anything may be left out.

        Raises:
            TypeError: a field that there is none of.
        """
        return cls(**{**content, "findings": tuple(Finding(**finding) for finding in content.get("findings", ()))})


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """A record of which only numbers are known, in bits per byte."""

    mean: float
    std: float | None = None
    n: int | None = None

    @property
    def has_spread(self) -> bool:
        """Whether its own noise is known: a deviation, of at least two seeds."""
        return self.std is not None and self.n is not None and self.n > 1
