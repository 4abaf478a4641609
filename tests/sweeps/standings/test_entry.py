"""Stored public records of a contest: whatever stands in the database, its standings name it and go on."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, insert

from jobs.database import tables
from jobs.workplace import Workplace
from sweeps.contests.catalog import contest_named
from sweeps.standings.board import Standings
from sweeps.standings.entry import read_stored, read_stored_entry
from sweeps.standings.reading import list_present
from tests.sweeps.conftest import Command
from tests.sweeps.entries.test_shape import VALUES, get, list_places, put

TRACK_3, TRACK_1 = contest_named("modded-nanogpt-3"), contest_named("modded-nanogpt-1")
RUNS = {str(n): {"score": f"3.277{n}", "seconds": 300.0, "gpu": "NVIDIA H100"} for n in range(4)}
ROW: Any = {
    "contest": "modded-nanogpt-3", "name": "odd", "metric": "val_loss", "step": 3000, "runs": RUNS,
    "track": "unverified", "findings": [{"code": "untested", "detail": "as it was read"}], "date": "2026-05-01",
    "row": 3, "machine": "one", "compared_with": None,
}  # fmt: skip


def test_no_row_of_another_shape_breaks_the_standings_or_keeps_its_track() -> None:
    kept, tried = set(), 0
    for path in list_places(ROW):
        for value in (value for value in VALUES if path != ("contest",) and value != get(ROW, path)):
            tried += 1
            board = Standings(TRACK_3, read_stored([put(ROW, path, value), {**ROW, "name": "sound"}], TRACK_3))
            json.dumps(rows := board.rows(), allow_nan=False)
            tracks = [row["track"] for row in rows if row["name"] != "sound"]
            assert len(tracks) == 1 and {"sound"} < {row["name"] for row in rows}
            if tracks == ["unverified"]:
                kept.add((path, type(value)))
    assert tried > 250
    unset = {path for path, kind in kept if kind is type(None)}
    assert unset == {("step",), ("date",), ("row",), ("machine",)} | {
        ("runs", name, key) for name in RUNS for key in ("seconds", "gpu")
    }
    of_other_kinds = {path for path, kind in kept if kind is not type(get(ROW, path)) and path not in unset}
    assert of_other_kinds == {("compared_with",)}  # null, or a text


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"track": "legal"}, "its track is legal, its findings give unverified"),
        ({"findings": [{"code": "time", "detail": "x"}]}, "its track is unverified, its findings give flagged"),
        ({"metric": "val_acc"}, "its metric is val_acc, logs of modded-nanogpt-3 print val_loss, val_avg_loss, val_em"),
        ({"metric": "val_ema_loss"}, "its metric is val_ema_loss, not val_loss, and no finding says so"),
        ({"date": "2026-13-01"}, "its date is 2026-13-01: expected YYYY-MM-DD"),
        ({"sweep": "mine"}, "its stored row cannot be read: sweep = 'mine': extra inputs are not permitted"),
        ({"name": 7}, "its stored row cannot be read: name = 7: input should be a valid string"),
    ],
)
def test_what_does_not_follow_from_the_rest_of_a_row_is_a_finding(change: dict[str, Any], detail: str) -> None:
    entry = read_stored_entry({**ROW, **change}, TRACK_3)
    assert entry.track == "flagged"
    assert entry.findings[-1].code == "evidence" and entry.findings[-1].detail.startswith(detail)


def test_a_training_over_its_contests_limit_needs_the_finding() -> None:
    limits = TRACK_1.limits.model_copy(update={"seconds": 299.0})
    entry = read_stored_entry(ROW, TRACK_3.model_copy(update={"limits": limits}))
    assert [finding.detail for finding in entry.findings if finding.code == "evidence"] == [
        "a training took 300.000 s, over 299 s, and no finding says so"
    ]


def test_a_name_that_is_stored_twice_is_numbered_and_flagged() -> None:
    entries = read_stored([ROW, {**ROW, "step": 10}, {**ROW, "step": 20}], TRACK_3)
    assert [(entry.name, entry.track, len(entry.runs)) for entry in entries] == [
        ("odd", "unverified", 4), ("odd (2)", "flagged", 0), ("odd (3)", "flagged", 0),
    ]  # fmt: skip


def test_a_record_of_an_unknown_contest_is_a_flagged_one_of_the_default(tmp_path: Path, golfsweep: Command) -> None:
    place = Workplace.open(tmp_path / "home")
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        for number, content in enumerate(({**ROW, "contest": "hackathon"}, {**ROW, "contest": ["x"]}, ROW, [])):
            values: dict[str, Any] = dict.fromkeys(tables.records.c.keys(), 0)
            values |= {"name": f"r{number}", "content": content, "digest": "d"}
            connection.execute(insert(tables.records), values)
    engine.dispose()
    assert list_present(place) == ["parameter-golf", "modded-nanogpt-3"]
    code, out, _ = golfsweep("leaderboard", "--home", place.home.root, "--contest", "parameter-golf", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0 and {row["track"] for row in rows} == {"flagged"}
    assert any("contest = 'hackathon': no such" in finding["detail"] for row in rows for finding in row["findings"])
    assert golfsweep("compare", "odd", "sound", "--home", place.home.root)[0] == 2
    assert golfsweep("show", "odd (2)", "--home", place.home.root)[0] == 0
