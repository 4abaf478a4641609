"""Entries that were measured with another arithmetic than this code's: listed, but neither ranked nor compared."""

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


def find_superseded(entries: Iterable[EntryRecord]) -> list[Superseded]:
    """The superseded ones of some entries, by sweep."""
    names: dict[str, list[str]] = {}
    stages: dict[str, dict[str, tuple[int, int | None]]] = {}
    for entry in entries:
        if versions := other_versions(entry):
            names.setdefault(entry.sweep, []).append(entry.name)
            stages.setdefault(entry.sweep, {}).update(versions)
    return [Superseded(sweep=sweep, entries=names[sweep], stages=stages[sweep]) for sweep in names]
