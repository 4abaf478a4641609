"""Rows of the wrong shape: whatever stands in the database, reading commands name the entry and go on."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert, select

from golf.errors import InputError
from jobs.database import tables
from jobs.workplace import Workplace
from sweeps.entries.numbers import clean_record
from sweeps.entries.reading import board_of, pair_of, withdrawn_of
from sweeps.entries.shape import check_record
from sweeps.submission.package import gather
from sweeps.views.show import describe
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play

DEEP: Any = json.loads("[" * 60 + "]" * 60)
VALUES: tuple[Any, ...] = (None, "x", 7, -0.5, True, [], {}, [None, 1], {"a": {"b": [None]}}, DEEP)
PER_PLACE = 3
Place = tuple[str | int, ...]


def list_places(value: Any, path: Place = ()) -> Iterator[Place]:
    """The path of everything in nested data, the whole and containers included; of a list its first item."""
    yield path
    items = value.items() if isinstance(value, dict) else [*enumerate(value)][:1] if isinstance(value, list) else ()
    for key, item in items:
        yield from list_places(item, (*path, key))


def put(value: Any, path: Place, new: Any) -> Any:
    """A copy of nested data with another value at a path."""
    if not path:
        return new
    copied = copy.copy(value)
    copied[path[0]] = put(value[path[0]], path[1:], new)
    return copied


def get(value: Any, path: Place) -> Any:
    return get(value[path[0]], path[1:]) if path else value


def forge(place: Workplace, every: int = 1) -> dict[str, Place]:
    """Add copies of an entry with wrong values at each place of it, or at every so many-th; their names, with places.

    At each place some of the values, other ones than at the place before.
    """
    engine, table = create_engine(place.home.database_url), tables.entries
    names: dict[str, Place] = {}
    with engine.begin() as connection:
        row = dict(connection.execute(select(table).where(table.c.name == "base")).mappings().one())
        whole = {"content": row["content"], "evidence": row["evidence"]}
        for number, path in [*enumerate(list_places(whole))][1::every]:
            for value in (VALUES * 2)[number % len(VALUES) :][:PER_PLACE]:
                if (old := get(whole, path)) == value and type(old) is type(value):
                    continue
                names[name := f"b{len(names):03x}"] = path
                connection.execute(insert(table), {**row, **put(whole, path, value), "name": name})
    engine.dispose()
    return names


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    place = Workplace.open(tmp_path_factory.mktemp("shapes") / "home")
    play(place, file("one"))
    return place


@pytest.fixture(scope="module")
def forged(place: Workplace) -> dict[str, Place]:
    return forge(place)


def test_no_row_of_another_shape_breaks_a_board_or_keeps_its_track(
    place: Workplace, forged: dict[str, Place], golfsweep: Command
) -> None:
    assert len(forged) > 250
    tracks = {row["name"]: row["track"] for row in board_of("one", place).table()}
    withdrawn = {name: former.reason for former in withdrawn_of(place) for name in former.entries}
    assert {"base": tracks["base"], "leak": tracks["leak"]} == {"base": "legal", "leak": "flagged"}
    kept = {path[-1] for name, path in forged.items() if tracks.get(name) == "legal"}
    assert kept <= {"row", "sweep", "script"}, "only what nothing reads"
    assert set(forged) == {name for name in forged if name in tracks or name in withdrawn}
    assert all(reason.startswith("its stored row cannot be read: ") for reason in withdrawn.values())
    assert max(map(len, withdrawn.values())) < 300
    code, out, _ = golfsweep("leaderboard", "--home", place.home.root, "--json")
    assert code == 0 and json.loads(out)["rows"]


def test_no_row_of_another_shape_breaks_a_command_that_names_it(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("one"))
    forged = forge(place, every=30)
    for name in [*forged]:
        shown = describe(f"one/{name}", place)
        assert shown["mismatches"] or forged[name][-1] in ("row", "sweep", "script"), forged[name]
    for name in [*forged][::5]:
        with suppress(InputError):
            pair_of(f"one/{name}", "none", place)
        with pytest.raises(InputError):
            gather(f"one/{name}", place)


def test_an_entry_that_has_a_seed_twice_is_withdrawn_and_a_run_writes_it_anew(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("one"))
    engine, table = create_engine(place.home.database_url), tables.entries
    with engine.begin() as connection:
        content = connection.execute(select(table.c.content).where(table.c.name == "base")).scalar_one()
        twice = put(content, ("evaluations", 1, "seed"), 3)
        connection.execute(table.update().where(table.c.name == "base").values(content=twice))
    engine.dispose()
    assert [row["name"] for row in board_of("one", place).table()] == ["none", "leak"]
    [former] = withdrawn_of(place)
    assert former.reason == "its stored row cannot be read: content.evaluations has a seed twice"
    play(place, file("one"))
    assert [row["name"] for row in board_of("one", place).table()] == ["base", "none", "leak"]


RECORD = {"name": "2026-04-01_a", "seeds": {"1": 1.1, "2": 1.2}, "track": "unverified", "author": "ann", "date": 1.7e9,
          "clocks": {"eval_seconds": 3.0}, "findings": [{"code": "note", "detail": "of a kind"}]}  # fmt: skip


def test_no_public_record_of_another_shape_breaks_a_board(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    engine, rows = create_engine(place.home.database_url), list[Any]()
    for path in list_places(RECORD):
        rows += [put(RECORD, path, value) for value in VALUES if value != get(RECORD, path)]
    for number, row in enumerate(rows):
        if isinstance(row, dict) and row.get("name") == RECORD["name"]:
            row["name"] = f"record {number}"
    with engine.begin() as connection:
        one = {"digest": "d", "imported": 0.0}
        columns = tables.records.c.keys()
        for number, content in enumerate(rows):
            values = {"name": f"r{number}", "content": content, **one}
            connection.execute(insert(tables.records), {key: values.get(key, 0) for key in columns})
    engine.dispose()
    table = board_of(None, place).table()
    assert len(table) > 100
    assert len([row for row in table if row["track"] == "flagged"]) > 50
    assert {row["track"] for row in table} <= {"flagged", "unverified"}


@pytest.mark.parametrize(
    ("track", "code", "expected"),
    [("legal", "note", "unverified"), ("flagged", "note", "unverified"), ("unverified", "C3", "flagged")],
)
def test_a_public_records_track_is_that_of_its_findings(track: str, code: str, expected: str) -> None:
    row = {**RECORD, "track": track, "findings": [{"code": code, "detail": "of a kind"}]}
    clean = clean_record(check_record(row))
    assert clean["track"] == "flagged"
    finding = {"code": "evidence", "detail": f"its track is {track}, its findings give {expected}"}
    assert clean["findings"] == [*row["findings"], finding]
    right = {**row, "track": expected}
    assert clean_record(check_record(right)) == right
