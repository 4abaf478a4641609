"""A part of a verdict: how good it is, in a word and a clause."""

from dataclasses import dataclass
from enum import StrEnum


class Rating(StrEnum):
    """How good a part of a verdict is; it is always shown with a word beside its color."""

    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One part of a verdict."""

    title: str
    """Record, Caution, Legal, Fits or Cost."""
    standing: Rating
    word: str
    detail: str
    """A short clause; empty where the word says it all."""
