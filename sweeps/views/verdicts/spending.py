"""What a sweep has used and how far it is, and what the verdict says of its cost."""

from dataclasses import dataclass

from jobs.state import SweepState
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.wording import format_dollars, format_hours


@dataclass(frozen=True, kw_only=True, slots=True)
class Spent:
    """What a sweep has used so far."""

    slot_hours: float
    dollars: float | None
    unit: str = "slot"
    """What a slot is to people: core or GPU."""
    jobs: int | None = None
    """Finished jobs."""
    budget_dollars: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SweepProgress:
    """How far a sweep is."""

    state: str = SweepState.DONE
    failed: int = 0
    """Jobs that failed."""


def judge_cost(spent: Spent) -> Chip:
    """What a sweep has cost so far."""
    hours = format_hours(spent.slot_hours, spent.unit)
    parts = [hours, *([] if spent.jobs is None else [f"{spent.jobs} job{'' if spent.jobs == 1 else 's'}"])]
    if spent.dollars is None:
        return Chip(title="Cost", standing=Rating.UNKNOWN, word=parts[0], detail=" · ".join(parts[1:]))
    limit = "" if spent.budget_dollars is None else f" of {format_dollars(spent.budget_dollars)}"
    over = spent.budget_dollars is not None and spent.dollars > spent.budget_dollars
    word = f"{format_dollars(spent.dollars)}{limit}"
    return Chip(title="Cost", standing=Rating.BAD if over else Rating.GOOD, word=word, detail=" · ".join(parts))
