"""The ledger of tries: who measured how many settings against a validation set, and what is left of a claim."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from sweeps.board.entries import build_entry
from sweeps.board.leaderboard import open_board
from sweeps.board.ledger import SweepOwner, correct_p, shrink_gain
from sweeps.statistics import expected_lowest
from tests.sweeps.evaluations import BASE, BETTER, LEAKS, entries, record, runs_of, text

DAY = datetime(2026, 5, 1, tzinfo=UTC).timestamp()


def test_every_setting_counts_once_whoever_tried_it() -> None:
    owners = {"mine": SweepOwner(name="ada", runners=["person", "agent coder"]), "theirs": SweepOwner(name="bob")}
    board = open_board(profile="accepted", baseline="base", owners=owners)
    board.add(
        [
            *runs_of("base", BASE, sweep="mine", settings="0"),
            *runs_of("best", BETTER, sweep="mine", settings="1", trials=24),
        ]
    )
    hidden = [
        *runs_of("again", BETTER, sweep="theirs", settings="1", stage=(-1.0, 0)),  # the same setting in another sweep
        *runs_of("leak", [1.0, 1.1], sweep="theirs", settings="2", stage=(-1.0, 0), **LEAKS),
        *runs_of("far", [1.0, 1.1], sweep="theirs", settings="3", text=text("another set")),
    ]
    board.add(hidden, shown=False)
    best = next(row for row in board.table() if row["name"] == "best")
    assert best["tries"] == 3
    assert best["tried_by"] == [
        {"who": "ada", "runners": ["person", "agent coder"], "sweep": "mine", "settings": 2, "searched": 1},
        {"who": "bob", "runners": [], "sweep": "theirs", "settings": 2, "searched": 0},
    ]
    assert best["p_tries"] == pytest.approx(1 - (1 - best["verdict_p"]) ** 3)


def test_records_of_one_author_and_day_count_together() -> None:
    records = [
        record("old", DAY - 1e6, 1.10, 1.101, 1.102, author="ada"),
        *(
            record(f"r{n}", DAY + n, *(1.05 + n / 100 + seed / 1000 for seed in range(3)), author="ada")
            for n in range(3)
        ),
        record("other", DAY, 1.08, 1.081, 1.082, author="bob"),
        record("nobody", DAY, 1.09, 1.091, 1.092),
    ]
    rows = entries([], imported=records, baseline=None)
    assert [rows[name]["tries"] for name in ("old", "r0", "other", "nobody")] == [1, 3, 1, 1]
    assert rows["r0"]["tried_by"] == [{"who": "ada", "day": "2026-05-01", "settings": 3}]
    assert rows["r0"]["p_tries"] == pytest.approx(1 - (1 - rows["r0"]["verdict_p"]) ** 3)


def test_a_gain_is_shrunken_by_what_luck_shows() -> None:
    base, best = (build_entry(runs_of(name, bpb), "accepted") for name, bpb in (("base", BASE), ("best", BETTER)))
    error = math.sqrt(np.var(BASE, ddof=1) / 3 + np.var(BETTER, ddof=1) / 3)
    gain = float(np.mean(BASE) - np.mean(BETTER))
    assert shrink_gain(best, base, 1) == pytest.approx(gain)
    assert shrink_gain(best, base, 20) == pytest.approx(gain + expected_lowest(20, error))
    assert shrink_gain(base, best, 20) == 0.0
    assert shrink_gain(build_entry(runs_of("one", [1.0]), "accepted"), base, 2) is None


def test_a_p_of_many_tries_holds_its_level() -> None:
    """Of ten equal settings, the best one's corrected p is below 5 % in 5 % of cases."""
    p = np.random.default_rng(0).uniform(size=(20_000, 10)).min(1)
    assert np.mean([correct_p(float(value), 10) < 0.05 for value in p]) == pytest.approx(0.05, abs=0.005)  # type: ignore[operator]
    assert correct_p(1e-300, 5) == pytest.approx(5e-300)
    assert (correct_p(None, 5), correct_p(math.nan, 5), correct_p(1.0, 5)) == (None, None, 1.0)
