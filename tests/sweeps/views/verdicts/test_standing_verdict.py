"""The verdict on entries of a contest with a target: each case once, from the real rules."""

from decimal import Decimal
from typing import Any

import pytest

from sweeps.contests.catalog import contest_named
from sweeps.standings.board import Standings
from sweeps.standings.entry import ContestEntry, RunResult
from sweeps.views.verdicts.chip import Rating
from sweeps.views.verdicts.spending import Spent, SweepProgress
from sweeps.views.verdicts.standing_verdict import judge_standings
from sweeps.views.verdicts.sweep_verdict import SweepVerdict

TRACK_3 = contest_named("modded-nanogpt-3")


def entry(name: str, steps: int, loss: str = "3.2775", runs: int = 4, **changes: Any) -> ContestEntry:
    results = {str(number): RunResult(score=Decimal(loss), seconds=300.0, gpu="NVIDIA H100") for number in range(runs)}
    facts: dict[str, Any] = {
        "track": "unverified", "sweep": "s", "source": "golfsweep", "machine": "here", "dollars": 0.5 * runs,
        "compared_with": None if name == "base" else "s/base",
    }  # fmt: skip
    return ContestEntry(name=name, contest=TRACK_3.name, metric="val_loss", step=steps, runs=results, **facts | changes)


def judge(*entries: ContestEntry, sweep: str = "s", **changes: Any) -> SweepVerdict:
    facts: dict[str, Any] = {
        "baseline": "base", "spent": Spent(slot_hours=1.0, dollars=2.0), "progress": SweepProgress()
    }  # fmt: skip
    return judge_standings(sweep, Standings(TRACK_3, entries).rows(sweep), TRACK_3, **facts | changes)


def words(verdict: SweepVerdict) -> dict[str, tuple[Rating, str]]:
    return {chip.title: (chip.standing, chip.word) for chip in verdict.chips}


BASE = entry("base", 3200)


def test_a_shown_gain_over_the_baseline_is_to_be_written_up() -> None:
    verdict = judge(BASE, entry("faster", 3000))
    assert (verdict.leader, verdict.score, verdict.gain, verdict.baseline, verdict.baseline_role, verdict.n) == (
        "faster", 3000.0, 200.0, "base", "baseline", 4
    )  # fmt: skip
    assert words(verdict) == {
        "Record": (Rating.GOOD, "SHOWN"),
        "Target": (Rating.GOOD, "REACHED"),
        "Legal": (Rating.UNKNOWN, "UNVERIFIED"),
        "Fits": (Rating.UNKNOWN, "NO LIMITS IN THIS CONTEST"),
        "Cost": (Rating.GOOD, "$2.00"),
    }
    assert (verdict.next.sentence, verdict.next.command) == (
        "write it up", "golfsweep leaderboard s --format markdown"
    )  # fmt: skip


def test_a_small_gain_needs_runs_at_a_price() -> None:
    verdict = judge(BASE, entry("close", 3160))
    assert words(verdict)["Record"] == (Rating.WARN, "NOT SHOWN")
    assert (verdict.next.sentence, verdict.next.command) == (
        "13 more runs each, $13.00", "golfsweep compare close base"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("entries", "record", "target", "step"),
    [
        ((BASE,), "NOTHING TO BEAT", "REACHED", "nothing beats it yet: add arms or trials to the sweep file"),
        ((entry("base", 3200, "3.2790", 1),), "NOTHING TO BEAT", "NOT REACHED", "25 more runs, $12.50"),
        (
            (entry("base", 3200, "3.29"),), "NOTHING TO BEAT", "NOT REACHED",
            "find a better mean: no affordable number of runs would show that this one reaches 3.28",
        ),
        (
            (entry("base", 3201, "3.2771"), entry("faster", 3200, "3.2775")), "NOT SHOWN", "REACHED",
            "find a larger gain: no affordable number of runs would show this one",
        ),
        (
            (BASE, entry("faster", 3000), entry("ahead", 2900, sweep="", source="import", dollars=None)),
            "SHOWN", "REACHED", "find a larger gain: it beats base, but 1 rank better",
        ),
    ],
)  # fmt: skip
def test_what_an_entry_needs_next(entries: tuple[ContestEntry, ...], record: str, target: str, step: str) -> None:
    verdict = judge(*entries)
    assert (words(verdict)["Record"][1], words(verdict)["Target"][1]) == (record, target)
    assert verdict.next.sentence == step


def test_the_best_of_a_search_is_corrected_for_its_trials() -> None:
    sure, chosen = (judge(BASE, entry("trial 3", steps, trials=24)) for steps in (2900, 3130))
    assert words(sure)["Caution"] == (Rating.GOOD, "BEST OF 24") and sure.next.sentence == "write it up"
    assert words(chosen)["Record"] == (Rating.WARN, "SHOWN")
    assert words(chosen)["Caution"] == (Rating.WARN, "BEST OF 24")
    assert chosen.next.sentence == "repeat it on fresh seeds, as an arm of a sweep of its own"


def test_flagged_entries_and_records_alone() -> None:
    flagged = judge(entry("base", 3200, track="flagged"))
    assert (flagged.leader, words(flagged)["Legal"], flagged.next.command) == (
        None, (Rating.BAD, "NO LEGAL ENTRY"), "golfsweep show s/base"
    )  # fmt: skip
    records = judge(entry("old", 3200, sweep="", source="import", compared_with=None), sweep="", baseline=None)
    assert (records.leader, records.next.command, "Cost" in words(records)) == (
        "old", "golfsweep init --help", False
    )  # fmt: skip
