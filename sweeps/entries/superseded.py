"""Entries that are listed, but neither ranked nor compared: measured with another arithmetic than this code's, or
withdrawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.store import EntryRecord
from sweeps.entries.form import other_versions


@dataclass(frozen=True, kw_only=True, slots=True)
class Superseded:
    """A sweep's entries that its next run measures anew."""

    sweep: str
    entries: Sequence[str]
    stages: Mapping[str, tuple[int, int | None]]
    """Stage → version of the arithmetic that was used, and this code's."""

    @property
    def line(self) -> str:
        """One line for a person."""
        entries = f"{len(self.entries)} entr{'y' if len(self.entries) == 1 else 'ies'} of sweep {self.sweep}"
        verb = "was" if len(self.entries) == 1 else "were"
        older = all(now is not None and measured < now for measured, now in self.stages.values())
        versions = ", ".join(
            f"{stage} {measured}, {'not known now' if now is None else f'now {now}'}"
            for stage, (measured, now) in self.stages.items()
        )
        return (
            f"{entries} {verb} measured with {'older' if older else 'another'} arithmetic ({versions}); "
            f"run it again: golfsweep run FILE"
        )

    def to_json(self) -> dict[str, Any]:
        """As the leaderboard's document has it."""
        stages = {stage: {"measured": measured, "current": now} for stage, (measured, now) in self.stages.items()}
        return {"sweep": self.sweep, "rows": list(self.entries), "arithmetic": stages}


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdrawn:
    """Entries of a sweep that do not count until it is run again."""

    sweep: str
    entries: Sequence[str]
    reason: str

    @property
    def line(self) -> str:
        """One line for a person."""
        entries = f"{self.sweep}: {', '.join(self.entries)}"
        return f"Withdrawn from sweep {entries}: {self.reason}; run it again: golfsweep run FILE"


def find_withdrawn(entries: Iterable[EntryRecord]) -> list[Withdrawn]:
    """The withdrawn ones of some entries, by sweep and reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for entry in entries:
        if entry.withdrawn is not None and not other_versions(entry):
            names.setdefault((entry.sweep, entry.withdrawn), []).append(entry.name)
    return [Withdrawn(sweep=sweep, entries=entries, reason=reason) for (sweep, reason), entries in names.items()]


def is_current(entry: EntryRecord) -> bool:
    """Whether an entry counts: it is measured with this code's arithmetic, and not withdrawn."""
    return entry.withdrawn is None and not other_versions(entry)


def find_superseded(entries: Iterable[EntryRecord]) -> list[Superseded]:
    """The superseded ones of some entries, by sweep."""
    names: dict[str, list[str]] = {}
    stages: dict[str, dict[str, tuple[int, int | None]]] = {}
    for entry in entries:
        if versions := other_versions(entry):
            names.setdefault(entry.sweep, []).append(entry.name)
            stages.setdefault(entry.sweep, {}).update(versions)
    return [Superseded(sweep=sweep, entries=names[sweep], stages=stages[sweep]) for sweep in names]
