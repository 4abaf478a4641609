"""How commands name what a home holds; quick to load, since every reading command needs it."""

from jobs.workplace import Workplace
from sweeps.entries.facts import SweepFacts, latest_sweep
from sweeps.entries.names import list_entries
from sweeps.views.verdicts.commands import CommandWords


def baseline_of(name: str | None, place: Workplace) -> str | None:
    """The entry that a sweep's others are compared with; None where there is none, or a published score."""
    record = None if name is None else place.store.sweep(name)
    baseline = None if record is None else SweepFacts.of(record).baseline
    return baseline if isinstance(baseline, str) else None


def words_for(sweep: str, place: Workplace, home_options: str = "", contest: str = "") -> CommandWords:
    """How commands name a sweep's entries in a home, or public records of a contest that is not the default one."""
    latest = latest_sweep(place) or ""
    return CommandWords(sweep=sweep, latest=latest, known=list_entries(place), contest=contest, options=home_options)
