"""Which entries of a leaderboard are shown, by what a reader chose on its page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query

from jobs.store import SweepRecord
from sweeps.board.arrays import TRACKS
from sweeps.contests.catalog import DEFAULT
from sweeps.entries.facts import contest_of

Chosen = Annotated[str, Query(max_length=120)]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardFilter:
    """Empty is everything."""

    sweep: str = ""
    owner: str = ""
    """Whose sweeps are offered."""
    tag: str = ""
    """Of sweeps that are offered."""
    track: str = ""
    source: str = ""
    """golfsweep: entries of sweeps; import: records."""
    since: str = ""
    """A date, YYYY-MM-DD; entries without a date are not left out."""

    @property
    def query(self) -> str:
        """As an address has it, without what is empty."""
        chosen = {name: value for name, value in asdict(self).items() if value}
        return f"?{urlencode(chosen)}" if chosen else ""

    def offers(self, record: SweepRecord) -> bool:
        """Whether a sweep of the default contest is offered."""
        is_owned = not self.owner or record.owner == self.owner
        return is_owned and (not self.tag or self.tag in record.tags) and contest_of(record) == DEFAULT

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The rows that are shown."""
        return [row for row in rows if self._shows(row)]

    def _shows(self, row: Mapping[str, Any]) -> bool:
        is_kind = self.source in ("", row["source"]) and self.track in ("", row["track"])
        return is_kind and not (self.since and row["date"] and row["date"][: len(self.since)] < self.since)


def _read(
    sweep: Annotated[str, Query(max_length=80)] = "",
    owner: Chosen = "",
    tag: Chosen = "",
    track: Chosen = "",
    source: Chosen = "",
    since: Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
) -> BoardFilter:
    return BoardFilter(sweep=sweep, owner=owner, tag=tag, track=track, source=source, since=since)


FilterQuery = Annotated[BoardFilter, Depends(_read)]


def list_choices(records: Sequence[SweepRecord]) -> dict[str, Sequence[tuple[str, str]]]:
    """Field → values and their titles, of those fields that have several."""
    owners = sorted({record.owner for record in records if record.owner})
    tags = sorted({tag for record in records for tag in record.tags})
    choices = {
        "owner": [("", "anybody"), *((name, name) for name in owners)],
        "tag": [("", "any"), *((name, name) for name in tags)],
        "track": [("", "all"), *((name, name) for name in TRACKS)],
        "source": [("", "all"), ("golfsweep", "sweeps"), ("import", "records")],
    }
    return {field: values for field, values in choices.items() if len(values) > 2}
