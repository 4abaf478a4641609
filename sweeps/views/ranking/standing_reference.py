"""The entry that the others of a contest's leaderboard are compared with in a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.contests.contest import Contest
from sweeps.views.ranking.measure import Measure
from sweeps.views.ranking.standing_facts import StandingRow


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingReference:
    """An entry that changes are from."""

    name: str
    sweep: str | None
    value: float
    title: str
    """What stands in its own row: baseline, record or best."""
    machine: str | None
    is_shared: bool
    """Whether entries of all machines are compared with it."""

    def is_entry(self, row: StandingRow) -> bool:
        """Whether a row is that entry."""
        return (row["name"], row["sweep"]) == (self.name, self.sweep)

    def change_of(self, row: StandingRow, measure: Measure) -> float | None:
        """By how much an entry is above it; None where the two cannot be compared."""
        comparable = self.is_shared or (row["machine"] is not None and row["machine"] == self.machine)
        return measure.change(row["value"], self.value) if comparable and row["value"] is not None else None


def choose_standing_reference(
    rows: Sequence[StandingRow], contest: Contest, baseline: str | None, sweep: str | None
) -> StandingReference | None:
    """The sweep's baseline, else what the best entry is to beat, else the best entry.

    Args:
        rows: entries, best first within each track.
        contest: whose they are.
        baseline: the sweep's; None without one.
        sweep: the sweep; None for public records alone.
    """
    scored = [row for row in rows if row["value"] is not None and row["track"] != "flagged"]
    if not scored:
        return None
    own = next((row for row in scored if sweep and (row["name"], row["sweep"]) == (baseline, sweep)), None)
    rival = next((row for row in scored if row["name"] == scored[0]["incumbent"] and not row["sweep"]), None)
    chosen, title = (own, "baseline") if own else (rival, "record") if rival else (scored[0], "best")
    assert chosen is not None
    return StandingReference(
        name=chosen["name"],
        sweep=chosen["sweep"],
        value=chosen["value"],
        title=title,
        machine=chosen["machine"],
        is_shared=contest.machine.compare == "any",
    )
