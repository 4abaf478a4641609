"""What entries are made of: an evaluation of one recipe and seed, or a public record of which only numbers are known.

Unknown values are None, never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from golf.limits import LIMIT_BYTES
from golf.score import bits_per_byte, nats_per_token_to_bpb
from sweeps.board.rules import RuleFinding, Track

Arrival = tuple[float, int]
"""When an entry came, for the order of records: its sweep's creation in epoch seconds, then 0 for an arm and 1 for a
winner of the search; for a public record its day, infinite where unknown, then 0. Jobs end in any order, so their
times do not count."""


SECONDS_PER_DAY = 86_400


def format_day(arrival: Arrival) -> str | None:
    """The day of an arrival as YYYY-MM-DD; None where it is unknown (infinite)."""
    return datetime.fromtimestamp(arrival[0], UTC).date().isoformat() if isfinite(arrival[0]) else None


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationSet:
    """The identity of a validation set, and its conversion of nats per token to bits per byte.

    The conversion belongs to one set and tokenizer, so nats are never compared across tokenizers.
    """

    data: str
    """Digest of the tokens; only evaluations of the same tokens are compared."""
    tokenizer: str
    documents: int | None
    """This and the other sizes are None where nobody has counted what a script scored."""
    tokens: int | None
    bytes: int | None

    def bpb(self, nats: float) -> float | None:
        """Convert nats per token to bits per byte of this set; None where its sizes are not known."""
        if self.tokens is None or self.bytes is None:
            return None
        return nats_per_token_to_bpb(nats, self.tokens, self.bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One recipe and seed, evaluated."""

    row: str
    """Name of its entry."""
    seed: int
    sweep: str = ""
    nll: float | None
    """Nats over the whole validation set; None where only the score is known."""
    score: float | None = None
    """Bits per byte as a script printed them; None where they follow from `nll`."""
    text: ValidationSet
    """What it was scored on."""
    scores: str | None
    """Digest of the table of document scores."""
    artifact: str | None
    weights: str | None = None
    """Digest of the trained weights before quantization; entries that share it share the noise of their seeds."""
    model_bytes: int | None
    code_bytes: int
    """Bytes of the code as shipped."""
    limit_bytes: int | None = LIMIT_BYTES
    """Most bytes of model and code; None where they are not to be judged."""
    clocks: Mapping[str, float]
    """Seconds by stage and clock, such as train.process_seconds; of our own recipe also those of the work alone."""
    cost: float | None
    """Dollars."""
    training_cost: float | None = None
    """Dollars of what entries with the same training share: the training and its quantization. None where unknown."""
    stage: Arrival
    """When its entry came."""
    whole_set: bool | None
    """Whether the whole validation set was scored; None where nobody can tell."""
    fresh_seed: bool
    """Whether the seed was not used for tuning."""
    source_bytes: int | None = None
    """Bytes of the same code as written; None where only one size is known."""
    adapts: bool = True
    """Whether the protocol trains at test time."""
    trained_bpb: float | None = None
    """Bits per byte of the weights before quantization and test-time training."""
    trained_only: tuple[float, ...] = ()
    """`trained_bpb` of the entry's further seeds, which were trained and not evaluated."""
    quantized_bpb: float | None = None
    """Bits per byte of the artifact before test-time training."""
    steps: int | None = None
    bpb_per_nat: float | None = None
    """Bits per byte of one nat per token as a script's line gives both; None where they follow from `text`."""
    machine: str | None = None
    machine_class: str = ""
    """Of a script: what its numbers belong to; evaluations of different classes are not compared."""
    code: tuple[str | None, ...] = ()
    """Commits of the code that its jobs ran."""
    settings: str | None = None
    """Digest of every setting."""
    trials: int = 0
    """Number of settings that were tried before this one was chosen."""
    audited: bool = False
    """Whether the scorer was judged from outside."""
    own_audit: bool | None = None
    """Whether it was judged, perhaps shortly, on this seed's own artifact; None where that was not written down."""
    findings: tuple[RuleFinding, ...] = ()
    """What the audit found, and what the training reports of itself."""

    @property
    def bpb(self) -> float | None:
        """Bits per byte over all documents; None where a stored entry gives no number that could be one."""
        if self.score is not None or self.nll is None or self.text.bytes is None:
            return self.score
        return bits_per_byte(self.nll, self.text.bytes)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedEntry:
    """A public record: scores of its seeds and the facts that its folder gives; it has no documents to pair."""

    name: str
    seeds: Mapping[str, float | None]
    """Seed as printed → bits per byte; None where a seed is claimed and no log gives its score."""
    date: float | None = None
    """Epoch seconds of its day."""
    pull_request: int | None = None
    evidence_time: float | None = None
    """Epoch seconds at which the last of its logs was written."""
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
    """Bits per byte of one nat per token, from logs that print both; needed for a margin in bits per byte."""
    findings: tuple[RuleFinding, ...] = ()
    author: str | None = None
    url: str | None = None

    @property
    def day(self) -> float | None:
        """Epoch seconds of its day: its date, else that of its logs, else the one that its name begins with."""
        if self.date is not None:
            return self.date
        if self.evidence_time is not None:
            return self.evidence_time // SECONDS_PER_DAY * SECONDS_PER_DAY
        try:
            return datetime.strptime(self.name[:10], "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
        except ValueError:
            return None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "ImportedEntry":
        """Read a stored record: fields of this class, all but `name` and `seeds` optional, findings as tables.

        Raises:
            TypeError: an unknown field, or a required one is missing.
        """
        return cls(**{**content, "findings": tuple(RuleFinding(**finding) for finding in content.get("findings", ()))})
