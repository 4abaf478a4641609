"""Public records of modded-nanogpt, where they lie beside the checkout: what their table claims, and what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from sweeps.contests.catalog import contest_named
from sweeps.standings.board import Standings
from sweeps.standings.importing import read_contest_entries
from sweeps.standings.pair import compare_standings

PUBLIC = Path(__file__).parents[4] / "shared/records-speedrun"
pytestmark = pytest.mark.skipif(
    not PUBLIC.is_dir(), reason=f"public logs are no part of the project; CI has them in {PUBLIC}"
)
AS_CLAIMED = {
    4: (4875, "3.2741", 5),
    5: (3325, "3.2782", 10),
    9: (3250, "3.2771", 8),
    14: (3150, "3.2776", 4),
    19: (3125, "3.2780", 6),
    25: (3040, "3.2781", 5),
    27: (3125, "3.2782", 6),
    33: (3375, "3.2779", 5),
    34: (2925, "3.2781", 8),
}
"""Row of the table → steps, mean and number of runs."""


@pytest.fixture(scope="module")
def track_3() -> dict[int, dict[str, Any]]:
    contest = contest_named("modded-nanogpt-3")
    board = Standings(contest, list(read_contest_entries([PUBLIC / "track_3"], contest)))
    return {int(row["name"][:2]): row for row in board.rows()}


@pytest.mark.parametrize("number", AS_CLAIMED)
def test_rows_come_out_as_claimed(track_3: dict[int, dict[str, Any]], number: int) -> None:
    row = track_3[number]
    assert (row["value"], f"{row['mean']:.4f}", row["n"]) == AS_CLAIMED[number]
    assert (row["rule"]["passed"], row["findings"], row["track"]) == (True, [], "unverified")


def test_three_rows_have_findings(track_3: dict[int, dict[str, Any]]) -> None:
    details = {
        number: {finding["code"]: finding["detail"] for finding in track_3[number]["findings"]}
        for number in (8, 44, 46)
    }
    assert {number: list(findings) for number, findings in details.items()} == {
        8: ["mean-differs"],
        44: ["run-count", "mixed-machines"],
        46: ["other-metric"],
    }
    assert "a mean of 3.2778 claimed, the logs give 3.2780" in details[8]["mean-differs"]
    assert "20 runs claimed, 28 have logs (8 on NVIDIA A40" in details[44]["run-count"]
    assert "val_ema_loss, not val_loss, whose mean at step 2,690 is 3.28243" in details[46]["other-metric"]
    assert track_3[46]["track"] == "flagged"


def test_track_1_gives_the_printed_p_values() -> None:
    contest = contest_named("modded-nanogpt-1")
    board = Standings(contest, list(read_contest_entries([PUBLIC / "track_1"], contest)))
    ours, theirs = (board.find(f"2026-07-17_FP8DownProjection/{part}") for part in ("this_pr", "baseline"))
    assert ours is not None and theirs is not None
    assert [side.rule.p_value for side in (ours, theirs)] == pytest.approx([0.0006690604, 0.0042976481], abs=5e-11)
    test = compare_standings(board, ours, theirs)["test"]
    assert test["statistic"] == pytest.approx(19.394, abs=5e-4)
    assert test["p_two_sided"] == pytest.approx(4.9e-12, rel=0.01)
    assert (ours.verdict, ours.verdict_test) == ("better", "welch")
