"""The order of public records: what decides it, what does not, and which record each has to beat."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweeps.board.evaluation import ImportedEntry
from sweeps.board.leaderboard import open_board
from sweeps.board.public_order import PublicOrder
from sweeps.board.rules import IMPLAUSIBLE_GAIN, RuleFinding
from tests.sweeps.evaluations import entries, record

DAY = 86_400.0


def rows_of(*records: ImportedEntry) -> dict[str, dict[str, Any]]:
    return entries([], imported=list(records))


@pytest.mark.parametrize(
    ("older", "newer", "known"),
    [
        ({"date": DAY}, {"date": 2 * DAY}, True),
        ({"date": DAY}, {"date": DAY}, False),
        ({"date": DAY}, {"date": None}, False),
        ({"date": None}, {"date": None}, False),
        ({"date": DAY, "pull_request": 7}, {"date": DAY, "pull_request": 8}, True),
        ({"date": DAY, "pull_request": 7}, {"date": None, "pull_request": 8}, True),
        ({"date": DAY, "pull_request": 7}, {"date": DAY}, False),
        ({"date": DAY, "pull_request": 9}, {"date": 2 * DAY, "pull_request": 8}, True),  # days come first
        ({"date": DAY, "evidence_time": 1.0}, {"date": DAY, "evidence_time": 2.0}, True),
        ({"date": DAY, "evidence_time": 9.0, "pull_request": 1},
         {"date": DAY, "evidence_time": 2.0, "pull_request": 2}, True),  # numbers before evidence
        ({"date": DAY}, {"date": None, "evidence_time": 3.5 * DAY}, True),  # evidence gives the day, too
    ],
)  # fmt: skip
def test_the_day_decides_then_the_pull_request_then_the_evidence(
    older: dict[str, Any], newer: dict[str, Any], known: bool
) -> None:
    rows = rows_of(record("older", None, 1.2, 1.21) if older["date"] is None and len(older) == 1 else
                   record("older", older.pop("date"), 1.2, 1.21, **older),
                   record("newer", newer.pop("date"), 1.1, 1.11, **newer))  # fmt: skip
    assert rows["newer"]["incumbent"] == ("older" if known else None)
    assert rows["older"]["incumbent"] is None
    assert rows["newer"]["order_unknown"] == (None if known else ["older"])
    assert rows["older"]["order_unknown"] == (None if known else ["newer"])
    doubt = "order not known: older may have come before it"
    assert (doubt in rows["newer"]["unchecked"]) is not known


def test_a_date_in_the_folders_name_orders_a_record_without_one() -> None:
    rows = rows_of(record("2026-04-01_A", None, 1.2, 1.21), record("b", 1_775_692_800.0, 1.1, 1.11))  # 2026-04-09
    assert rows["b"]["incumbent"] == "2026-04-01_A"
    assert rows["2026-04-01_A"]["date"] is None


def test_a_record_of_unknown_order_that_is_no_better_leaves_no_doubt() -> None:
    rows = rows_of(
        record("first", DAY, 1.0, 1.01), record("second", 2 * DAY, 0.9, 0.91), record("some", None, 1.1, 1.11)
    )
    assert (rows["second"]["incumbent"], rows["second"]["order_unknown"]) == ("first", None)
    assert rows["first"]["order_unknown"] == ["some"]  # which would have been the one to beat
    assert rows["some"]["order_unknown"] == ["second", "first"]


IMPLAUSIBLE = {"findings": (RuleFinding(code=IMPLAUSIBLE_GAIN, detail="1.07 below its own model"),)}


def test_nobody_has_to_beat_a_score_that_nothing_legal_explains() -> None:
    rows = rows_of(record("first", DAY, 1.2, 1.21), record("leaky", 2 * DAY, 0.09, 0.091, **IMPLAUSIBLE),
                   record("flagged", 2 * DAY, 0.08, 0.081, track="flagged"),
                   record("lost", None, 0.07, 0.071, **IMPLAUSIBLE), record("next", 3 * DAY, 1.1, 1.11))  # fmt: skip
    assert rows["next"]["incumbent"] == "first"
    assert rows["next"]["precedent"] is True
    assert rows["next"]["order_unknown"] is None
    assert rows["leaky"]["incumbent"] == "first"  # it is still tested itself


def test_the_history_has_neither_undated_nor_implausible_records_and_of_one_day_the_best() -> None:
    board = open_board(profile="accepted")
    board.add(records=[record("first", DAY, 1.2, 1.21), record("same day", 2 * DAY, 1.1, 1.11),
                       record("best of day", 2 * DAY, 1.09, 1.1), record("undated", None, 1.0, 1.01),
                       record("leaky", 3 * DAY, 0.1, 0.11, **IMPLAUSIBLE),
                       record("last", 4 * DAY, 1.05, 1.06)])  # fmt: skip
    board.table()
    assert [(change["name"], change["over"]) for change in board.changes()] == [
        ("first", None), ("best of day", "first"), ("last", "best of day"),
    ]  # fmt: skip


def test_two_records_of_a_day_that_are_ordered_are_both_in_the_history() -> None:
    board = open_board(profile="accepted")
    board.add(records=[record("b", DAY, 1.1, 1.11, pull_request=2), record("a", DAY, 1.2, 1.21, pull_request=1)])
    board.table()
    assert [change["name"] for change in board.changes()] == ["a", "b"]


def test_many_records_of_unknown_order_are_counted_not_listed() -> None:
    records = [record(f"r{number:02}", None, 1.0 + number / 100, 1.0 + number / 100 + 0.001) for number in range(15)]
    row = rows_of(*records, record("dated", DAY, 1.2, 1.21))["dated"]
    assert row["order_unknown"] == [f"r{number:02}" for number in range(10)]
    assert "order not known: r00, r01, r02 and 12 more may have come before it" in row["unchecked"]


Known = st.tuples(*[st.none() | st.integers(0, 2)] * 3, st.integers(0, 5), st.booleans())


@given(st.lists(Known, min_size=1, max_size=12))
def test_it_finds_what_a_plain_search_over_pairs_finds(records: list[Any]) -> None:
    def before(a: Any, b: Any) -> bool | None:
        differing = [(x, y) for x, y in zip(a[:3], b[:3], strict=True) if None not in (x, y) and x != y]
        return differing[0][0] < differing[0][1] if differing else None

    def column(index: int) -> Any:
        return np.array([math.nan if one[index] is None else float(one[index]) for one in records])

    barred = np.array([one[4] for one in records])
    order = PublicOrder(
        is_record=np.ones(len(records), bool), barred=barred, pull_request=column(1), evidence_time=column(2)
    )
    places, epoch = np.arange(len(records)), np.where(np.isnan(column(0)), math.inf, column(0))
    able = np.where(barred, math.inf, column(3))
    best = order.find_best_before(places, epoch, able)
    to_beat = np.where(best >= 0, able[best], math.inf)
    rivals = order.find_rivals(places, epoch, able, to_beat)
    for row, own in enumerate(records):
        earlier = [other for other in places if before(records[other], own) is True and not barred[other]]
        lowest = min((able[other] for other in earlier), default=None)
        assert (best[row] < 0) == (lowest is None)
        assert lowest is None or (best[row] in earlier and able[best[row]] == lowest)
        unknown = {
            other for other in places
            if other != row and before(records[other], own) is None and able[other] < to_beat[row]
        }  # fmt: skip
        assert set(rivals.get(row, ())) == unknown
