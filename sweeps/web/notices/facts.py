"""What the database says about the subjects of some events: all that notices are concluded from."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardFacts:
    """A sweep's leaderboard."""

    best: str | None
    """Its best legal entry."""
    score: str
    """Of the best entry, with the gain over what it is compared with; empty where there is none."""
    leaked: Mapping[str, str]
    """Flagged entries whose score is better than that of every entry that is not → why they are flagged."""
    verdict: str
    """What leads, in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordFacts:
    """The current record of a contest and track."""

    contest: str
    track: str
    name: str
    sweep: str | None
    """None: it was imported."""
    score: str
    over: str | None
    """The record before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetFacts:
    """What a sweep has spent of what it may."""

    spent_hours: float
    hours: float


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeActivity:
    """Where jobs run now."""

    running: Collection[tuple[str, str]]
    """Cluster and node."""
    clusters: Collection[str]
    """Those with a live scheduler."""
    bad: Collection[tuple[str, str]]
    now: float
    """Epoch seconds by a clock that nobody sets."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeFacts:
    """What is known beside the events."""

    boards: Mapping[str, BoardFacts] = field(default_factory=dict)
    """By sweep; those that the events may have changed."""
    records: Mapping[str, RecordFacts] = field(default_factory=dict)
    """By contest and track."""
    budgets: Mapping[str, BudgetFacts] = field(default_factory=dict)
    """By sweep; those with a limit that the events may have changed."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Names of the failed jobs, by key."""
    nodes: NodeActivity | None = None
    """None: nobody looked."""
