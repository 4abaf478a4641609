"""Ranks, verdicts and the history of the record of a contest."""

import json
from decimal import Decimal
from typing import Any

import pytest

from sweeps.board.rules import RuleFinding
from sweeps.contests.catalog import contest_named
from sweeps.standings.board import Standings
from sweeps.standings.entry import ContestEntry, RunResult, read_stored_entry

TRACK_3, TRACK_1 = contest_named("modded-nanogpt-3"), contest_named("modded-nanogpt-1")


def entry(name: str, steps: int, loss: str = "3.2770", *, n: int = 4, **fields: Any) -> ContestEntry:
    runs = {f"run-{number}": RunResult(score=Decimal(loss), seconds=700.0) for number in range(n)}
    given: dict[str, Any] = {"contest": "modded-nanogpt-3", "track": "unverified", "runs": runs, "metric": "val_loss"}
    return ContestEntry(name=name, step=steps, **(given | fields))


def timed(name: str, seconds: float, **fields: Any) -> ContestEntry:
    spread = {
        str(n): RunResult(score=Decimal("3.277") + n * Decimal("0.0002"), seconds=seconds + n / 10) for n in range(5)
    }
    return entry(name, 1390, runs=spread, contest="modded-nanogpt-1", **fields)


def facts(board: Standings) -> list[tuple[str, int | None, str, str | None, str | None]]:
    return [
        (row["name"], row["rank"], row["verdict"], row["verdict_test"], row["verdict_against"]) for row in board.rows()
    ]


def test_each_entry_is_judged_against_the_record_of_its_date() -> None:
    board = Standings(
        TRACK_3,
        [
            entry("first", 3300, date="2026-04-30"),
            entry("second", 3250, date="2026-05-01"),
            entry("slower", 3400, date="2026-05-02"),
            entry("a bit", 3240, "3.2775", date="2026-05-03"),
            entry("undated", 3100),
        ],
    )
    assert facts(board) == [
        ("undated", 1, "better", "known-sigma", "the target of 3.28"),
        ("a bit", 2, "undecided", "known-sigma", "second"),
        ("second", 3, "undecided", "known-sigma", "first"),
        ("first", 4, "better", "known-sigma", "the target of 3.28"),
        ("slower", 5, "worse", "known-sigma", "second"),
    ]
    changes = [(change["name"], change["over"], change["value"]) for change in board.changes()]
    assert changes == [("first", None, 3300.0), ("second", "first", 3250.0), ("a bit", "second", 3240.0)]


@pytest.mark.parametrize(
    ("path", "number"),
    [
        *(
            (("runs", "run-0", "score"), text)
            for text in ("NaN", "Infinity", "1E-999999999", "1E+400", "much", 10**400)
        ),
        *((path, 10**400) for path in [("runs", "run-0", "seconds"), ("step",), ("row",)]),
        *((path, float("nan")) for path in [("runs", "run-0", "seconds"), ("step",), ("row",)]),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_stored_number_that_nothing_measures_is_a_finding_and_no_crash(path: tuple[str, ...], number: Any) -> None:
    content = entry("odd", 3200, date="2026-05-01", row=3).to_json()
    table = content
    for name in path[:-1]:
        table = table[name]
    table[path[-1]] = number
    board = Standings(TRACK_3, [read_stored_entry(content, TRACK_3), entry("sound", 3300, date="2026-05-01", row=2)])
    rows = {row["name"]: row for row in board.rows()}
    assert [change["name"] for change in board.changes()] == ["sound"]
    assert (rows["odd"]["rank"], rows["odd"]["verdict"], rows["sound"]["rank"]) == (None, "flagged", 1)
    [finding] = rows["odd"]["findings"]
    assert finding["code"] == "evidence" and finding["detail"].startswith(f"{'.'.join(path)} = ")
    json.dumps(rows, allow_nan=False)


def test_a_verdict_names_the_test_and_the_opponent_that_it_follows_from() -> None:
    slow = timed("slow", 81.0, date="2026-07-16", machine="one")
    losses = {str(n): RunResult(score=Decimal("3.29"), seconds=79.0 + n / 10) for n in range(5)}
    fast = entry("fast", 1390, runs=losses, contest="modded-nanogpt-1", date="2026-07-17", machine="one")
    rows = {row["name"]: row for row in Standings(TRACK_1, [slow, fast]).rows()}
    assert rows["fast"]["rule"]["passed"] is False
    assert [rows["fast"][name] for name in ("verdict", "verdict_test", "verdict_against", "improvement")] == [
        "undecided", "target", "the target of 3.28", None,
    ]  # fmt: skip


def test_a_flagged_entry_is_no_opponent_even_if_a_record_names_it() -> None:
    flagged = timed("record/baseline", 81.0, machine="one", track="flagged")
    named = timed("record/this_pr", 79.0, machine="one", compared_with="record/baseline")
    rows = {row["name"]: row for row in Standings(TRACK_1, [flagged, named]).rows()}
    assert rows["record/this_pr"]["verdict_against"] == "the target of 3.28"


def test_a_score_is_stored_with_every_digit() -> None:
    for text in ("3.2770", "3.280000000000", "0.000000000001", "3"):
        stored = json.loads(json.dumps(entry("exact", 3200, text).to_json()))
        assert read_stored_entry(stored, TRACK_3) == entry("exact", 3200, text)


def test_rows_of_one_day_came_in_the_order_of_their_table() -> None:
    day: dict[str, Any] = {"date": "2026-04-30"}
    board = Standings(
        TRACK_3, [entry("late", 3100, row=5, **day), entry("early", 3300, row=4, **day), entry("?", 3400, **day)]
    )
    assert {row["name"]: row["verdict_against"] for row in board.rows()} == {
        "late": "early",
        "early": "the target of 3.28",  # which of the two came first is not known
        "?": "the target of 3.28",
    }


def test_flagged_and_failing_entries_have_no_rank_and_are_no_record_to_beat() -> None:
    finding = RuleFinding(code="other-metric", detail="counts val_ema_loss")
    board = Standings(
        TRACK_3,
        [
            entry("flagged", 2000, track="flagged", findings=(finding,), date="2026-01-01"),
            entry("fails", 2100, "3.2795", date="2026-01-02"),
            entry("counts", 3300, date="2026-05-01"),
        ],
    )
    assert facts(board) == [
        ("counts", 1, "better", "known-sigma", "the target of 3.28"),
        ("fails", None, "undecided", "known-sigma", "the target of 3.28"),
        ("flagged", None, "flagged", "known-sigma", "the target of 3.28"),
    ]


def test_times_are_ranked_and_compared_within_one_machine_only() -> None:
    board = Standings(
        TRACK_1,
        [
            timed("pr/this_pr", 79.5, machine="pr, 8 H100", date="2026-07-17", compared_with="pr/baseline"),
            timed("pr/baseline", 80.6, machine="pr, 8 H100", date="2026-07-17"),
            timed("elsewhere", 70.0, machine="other, 8 H100", date="2026-01-01"),
            timed("unknown", 60.0, date="2026-01-01"),
        ],
    )
    assert facts(board) == [
        ("unknown", 1, "better", "target", "the target of 3.28"),
        ("elsewhere", 1, "better", "target", "the target of 3.28"),
        ("pr/this_pr", 1, "better", "welch", "pr/baseline"),
        ("pr/baseline", 2, "better", "target", "the target of 3.28"),
    ]


def test_a_row_has_the_documented_fields() -> None:
    (row,) = Standings(TRACK_3, [entry("one", 3300, "3.2770", date="2026-04-30")]).rows()
    documented = ("name", "contest", "metric", "direction", "mean", "std", "n", "value", "rule", "findings", "track")
    assert {name: row[name] for name in documented} == {
        "name": "one",
        "contest": "modded-nanogpt-3",
        "metric": "val_loss",
        "direction": "lower",
        "mean": 3.277,
        "std": 0.0,
        "n": 4,
        "value": 3300.0,
        "rule": {
            "test": "known-sigma",
            "statistic": 0.006,
            "p_value": row["rule"]["p_value"],
            "threshold": 0.004,
            "passed": True,
        },
        "findings": [],
        "track": "unverified",
    }


def test_a_sweep_is_shown_beside_records_and_ranked_among_what_is_shown() -> None:
    board = Standings(
        TRACK_3,
        [entry("other", 2900, sweep="x"), entry("record", 3000), entry("own", 3100, sweep="y"), entry("own", 3200)],
    )
    assert [(row["name"], row["sweep"], row["rank"]) for row in board.rows("y")] == [
        ("record", None, 1),
        ("own", "y", 2),
        ("own", None, 3),
    ]
    assert [row["rank"] for row in board.rows()] == [1, 2, 3, 4]
