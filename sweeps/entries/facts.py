"""What a leaderboard needs to know of a sweep, read from its record as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.rules import Profile, Published
from sweeps.contests.catalog import DEFAULT


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepFacts:
    """How a sweep's entries are judged, and where its search is."""

    name: str
    rules: Profile
    baseline: str | Published | None
    """Name of the entry that the others are compared with, or a published record."""
    search: str | None
    """Digest that tells the trials of its search from those of earlier searches; None without a search."""
    trials: int
    given_trials: int
    """Trials that the file gives; they come first."""
    contest: str = DEFAULT
    """The contest by whose rules its entries are judged."""

    def to_json(self) -> dict[str, Any]:
        """As the sweep's record keeps it under "board"; its name is the record's."""
        baseline: Any = self.baseline
        if isinstance(baseline, Published):
            baseline = {"mean": baseline.mean, "std": baseline.std, "n": baseline.n}
        return {
            "rules": self.rules,
            "baseline": baseline,
            "search": self.search,
            "trials": self.trials,
            "given_trials": self.given_trials,
            **({} if self.contest == DEFAULT else {"contest": self.contest}),
        }

    @classmethod
    def of(cls, record: SweepRecord) -> "SweepFacts":
        """Read them from a sweep's record.

        Raises:
            InputError: another version of golfsweep wrote it, and this one does not understand it.
        """
        try:
            board: Mapping[str, Any] = record.spec["board"]
            baseline = board["baseline"]
            if isinstance(baseline, Mapping):
                baseline = Published(**baseline)
            return cls(**{**board, "baseline": baseline}, name=record.name)
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"sweep {record.name}: written by another version of golfsweep ({error}); run its file again"
            ) from None


def contest_of(record: SweepRecord) -> str:
    """The contest of a sweep, whatever version of golfsweep wrote it."""
    board = record.spec.get("board")
    return str(board.get("contest", DEFAULT)) if isinstance(board, Mapping) else DEFAULT


def latest_sweep(place: Workplace) -> str | None:
    """Name of the latest sweep of the default contest, if possible one that can be read; None where there is none."""
    own = [sweep for sweep in reversed(place.store.sweeps()) if contest_of(sweep) == DEFAULT]
    return next((sweep.name for sweep in own if can_read(sweep)), own[0].name if own else None)


def can_read(record: SweepRecord) -> bool:
    """Whether this version of golfsweep understands a sweep's record."""
    try:
        SweepFacts.of(record)
    except InputError:
        return False
    return True
