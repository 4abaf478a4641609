"""Which entries of a leaderboard are shown, by what a reader chose on its page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query

from jobs.store import SweepRecord
from sweeps.board.arrays import TRACKS
from sweeps.contests.catalog import contest_named

Chosen = Annotated[str, Query(max_length=120)]


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardFilter:
    """Empty is everything."""

    contest: str = ""
    sweep: str = ""
    rules: str = ""
    """By which sweeps that are offered are judged."""
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

    def api_query(self, sweep: str | None) -> str:
        """The query by which the API gives the leaderboard of a sweep, as JSON."""
        asked = {name: value for name, value in (("contest", self.contest), ("sweep", sweep)) if value}
        return f"?{urlencode(asked)}" if asked else ""

    def offers(self, record: SweepRecord) -> bool:
        """Whether a sweep of the contest is offered."""
        is_owned = not self.owner or record.owner == self.owner
        is_judged = not self.rules or rules_of(record) == self.rules
        return is_owned and is_judged and (not self.tag or self.tag in record.tags)

    def keep(self, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The rows that are shown."""
        return [row for row in rows if self._shows(row)]

    def _shows(self, row: Mapping[str, Any]) -> bool:
        is_kind = self.source in ("", row["source"]) and self.track in ("", row["track"])
        return is_kind and not (self.since and row["date"] and row["date"][: len(self.since)] < self.since)


def _read(
    contest: Annotated[str, Query(max_length=80)] = "",
    sweep: Annotated[str, Query(max_length=80)] = "",
    rules: Chosen = "",
    owner: Chosen = "",
    tag: Chosen = "",
    track: Chosen = "",
    source: Chosen = "",
    since: Annotated[str, Query(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = "",
) -> BoardFilter:
    return BoardFilter(
        contest=contest, sweep=sweep, rules=rules, owner=owner, tag=tag, track=track, source=source, since=since
    )


FilterQuery = Annotated[BoardFilter, Depends(_read)]


def rules_of(record: SweepRecord) -> str:
    """The rules by which a sweep's entries are judged; empty where another version of golfsweep wrote it."""
    return str((record.spec.get("board") or {}).get("rules", ""))


def list_choices(records: Sequence[SweepRecord], contests: Sequence[str] = ()) -> dict[str, Sequence[tuple[str, str]]]:
    """Field → values and their titles, of those fields that have several.

    Args:
        records: all sweeps.
        contests: those that there are entries of.
    """
    rules = sorted({rules_of(record) for record in records} - {""})
    owners = sorted({record.owner for record in records if record.owner})
    tags = sorted({tag for record in records for tag in record.tags})
    choices = {
        "contest": [(name, contest_named(name).title) for name in contests],
        "rules": [("", "any"), *((name, name) for name in rules)],
        "owner": [("", "anybody"), *((name, name) for name in owners)],
        "tag": [("", "any"), *((name, name) for name in tags)],
        "track": [("", "all"), *((name, name) for name in TRACKS)],
        "source": [("", "all"), ("golfsweep", "sweeps"), ("import", "records")],
    }
    least = {"contest": 2}  # the others offer everything, too
    return {field: values for field, values in choices.items() if len(values) >= least.get(field, 3)}
