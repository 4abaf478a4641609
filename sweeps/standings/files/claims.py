"""Claims of a table of results: `claims.json` or a README in a record's folder, beside it, or one folder above.

claims.json is a list of objects, one for each row of the table, such as

    {"row": 5, "folder": "records/05-muonh", "steps": 3325, "mean": 3.2782, "n": 10, "significant": true,
     "date": "2026-04-30"}

`folder` is a path of which the last names must be the record's; every other field may be missing, as may `seconds`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any

from sweeps.records.reading.files import UnreadableFile, load_json, parse_lines
from sweeps.records.reading.values import read_count, read_number
from sweeps.standings.files.result_tables import read_result_tables

CLAIMS, README = "claims.json", "README.md"
MOST_ROWS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class TableClaim:
    """A row of a table of results; None for what it does not say."""

    row: int | None = None
    """Its number, which orders records of one day."""
    steps: int | None = None
    seconds: Decimal | None = None
    mean: Decimal | None = None
    n: int | None = None
    significant: bool | None = None
    date: str | None = None
    """YYYY-MM-DD."""


def find_claim(record: Path, part: str | None, oddities: list[str]) -> TableClaim | None:
    """What the nearest table of results says of a record, or of a part of it; None where none names it.

    Args:
        record: the record's folder.
        part: name of the subfolder that is the entry.
        oddities: gets a line for a table that cannot be read.
    """
    for place in (record, record.parent, record.parent.parent):
        for name, read in ((CLAIMS, _read_claims), (README, _read_readme)):
            path = place / name
            if not path.is_file() or path.is_symlink():
                continue
            try:
                rows = read(path, oddities)
            except UnreadableFile as why:
                oddities.append(f"{name}: {why}")
                continue
            different = {_read(row): None for row in _list_matching(rows[:MOST_ROWS], record.resolve().name, part)}
            if len(different) > 1:
                oddities.append(f"{name}: {len(different)} rows name this folder; none was taken")
                return None
            if different:
                return next(iter(different))
    return None


def _read_claims(path: Path, oddities: list[str]) -> list[Any]:
    rows = load_json(path, oddities)
    if not isinstance(rows, list):
        raise UnreadableFile("not a list; expected one object for each row of a table of results")
    return rows


def _read_readme(path: Path, oddities: list[str]) -> list[Any]:
    return parse_lines(path, lambda lines: list(read_result_tables(line.decode("utf-8", "replace") for line in lines)))


def _list_matching(rows: list[Any], record: str, part: str | None) -> Iterator[Mapping[str, Any]]:
    """The rows of an entry: those of its part if there are any, else those of the record."""
    tables = [row for row in rows if isinstance(row, Mapping) and isinstance(row.get("folder"), str)]
    paths = [PurePosixPath(row["folder"]).parts for row in tables]
    of_part = [row for row, path in zip(tables, paths, strict=True) if path[-2:] == (record, part)]
    yield from of_part or (row for row, path in zip(tables, paths, strict=True) if path[-1:] == (record,))


def _read(row: Mapping[str, Any]) -> TableClaim:
    significant = row.get("significant")
    return TableClaim(
        row=read_count(row.get("row")),
        steps=read_count(row.get("steps")),
        seconds=read_number(row.get("seconds")),
        mean=read_number(row.get("mean")),
        n=read_count(row.get("n")),
        significant=significant if isinstance(significant, bool) else None,
        date=_read_date(row.get("date")),
    )


def _read_date(value: Any) -> str | None:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        return None
