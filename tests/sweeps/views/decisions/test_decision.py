"""Keep, discard or replicate: what `next` says of made-up entries, before and after a challenge."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import Job
from jobs.workplace import Workplace
from sweeps.board.leaderboard import open_board
from sweeps.board.ledger import TriesLedger
from sweeps.challenge.claim import read_claim
from sweeps.challenge.past import PastChallenge
from sweeps.challenge.plan import plan_challenge
from sweeps.views.decisions.candidates import Candidate, decide_entry
from sweeps.views.decisions.decision import DecisionWord
from sweeps.views.decisions.next_document import describe_next, list_lines
from tests.sweeps import evaluations
from tests.sweeps.made_up import file, play

NOISE = 0.001
BASE = [1.2, 1.201, 1.199]


def bpb(gains: dict[int, float]) -> Callable[[Job], float]:
    """Scores of recipes whose learning rate in thousandths has a gain."""

    def score(job: Job) -> float:
        lr = job.settings["eval"]["lr"]
        return 1.2 - gains.get(round(1000 * lr), 0.0) + NOISE * math.sin(1e5 * lr + 77 * job.seed)

    return score


def arms(*thousandths: int) -> list[dict[str, Any]]:
    """A baseline, and a change for each learning rate."""
    edits = [{"name": f"edit {number}", "eval": {"lr": number / 1000}} for number in thousandths]
    return [{"name": "base", "baseline": True, "eval": {"lr": 0.02}}, *edits]


def decided(
    scores: list[float], *, others: int = 0, challenge: PastChallenge | None = None, **changes: Any
) -> Candidate:
    """The decision on an entry of some scores against a base, after so many other settings were tried."""
    board = open_board(profile="accepted", baseline="base")
    board.add(evaluations.runs_of("base", BASE, settings="base"))
    board.add(
        run
        for number in range(others)
        for run in evaluations.runs_of(f"other {number}", [1.3, 1.301, 1.302], settings=f"other {number}")
    )
    board.add(evaluations.runs_of("edit", scores, settings="edit", **changes))
    entry = next(entry for entry in board.entries() if entry.name == "edit")
    candidate = decide_entry(entry, board, TriesLedger(board.entries(), {}), challenge)
    assert candidate is not None
    return candidate


@pytest.mark.parametrize(
    ("scores", "others", "word", "why"),
    [
        ([1.15, 1.151, 1.149], 0, "keep", "shown: p ="),
        ([1.19, 1.191, 1.189], 40, "replicate", "not shown after so many tries: p ="),
        ([1.198, 1.199, 1.197], 0, "replicate", "not shown: p ="),
        ([1.199999, 1.200999, 1.198999], 0, "discard", "too small a gain for any affordable number of seeds: p ="),
        ([1.203, 1.204, 1.202], 0, "discard", "not better: +3.00 mBPB"),
        ([1.19], 0, "replicate", "no test is possible yet: edit has one seed"),
        ([1.21], 0, "discard", "not better"),
    ],
)
def test_what_to_do_follows_from_the_claim(scores: list[float], others: int, word: str, why: str) -> None:
    decision = decided(scores, others=others).decision
    assert (decision.word, decision.why[: len(why)]) == (word, why)


def test_a_flagged_entry_is_discarded_whatever_its_score() -> None:
    candidate = decided(evaluations.LEAK, **evaluations.LEAKS)
    assert candidate.decision.word == DecisionWord.DISCARD
    assert candidate.decision.why == "flagged, never ranked: the score knows its target (C3)"


@pytest.mark.parametrize(
    ("outcome", "word"),
    [("stands", "keep"), ("falls", "discard"), ("undecided", "discard"), ("flagged", "discard"), (None, "replicate")],
)
def test_fresh_seeds_decide_what_was_challenged(outcome: Any, word: str) -> None:
    challenge = PastChallenge(sweep="c", against="base", seeds=6, outcome=outcome)
    assert decided([1.198, 1.199, 1.197], challenge=challenge).decision.word == word


def test_all_tries_of_the_team_count_and_the_step_has_its_price(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("earlier", arm=arms(31, 32, 33)), bpb({}))
    play(place, file("now", arm=arms(41, 42)), bpb({41: 0.004}))
    document = describe_next("now", place, "--home elsewhere")
    assert (document["decision"], document["entry"]) == ("replicate", "edit 41")
    assert document["tries"] == 6  # base is one setting in both sweeps
    assert {part["sweep"]: part["settings"] for part in document["tried_by"]} == {"earlier": 4, "now": 3}
    assert document["p_tries"] == pytest.approx(1 - (1 - document["p"]) ** 6, rel=1e-4)
    plan = plan_challenge(read_claim("now/edit 41", place), place, {})
    step = document["next"]
    assert step["command"] == "golfsweep challenge edit-41 --home elsewhere"
    assert (step["seeds"], step["seeds_most"]) == plan.seeds
    assert (step["dollars"], step["dollars_most"]) == pytest.approx(plan.dollars)
    assert document["best"]["entry"] == "base"  # nothing is shown yet
    assert document["counts"] == {"keep": 0, "replicate": 1, "discard": 1}
    assert next(list_lines(document)).startswith("now: replicate edit 41 against ")
    # on fresh seeds
    play(place, plan.spec.source, bpb({41: 0.004}))
    kept = describe_next("now", place)
    assert (kept["decision"], kept["challenge"]["outcome"]) == ("keep", "stands")
    assert kept["best"] == {"entry": "edit 41", "role": "kept", "value": pytest.approx(1.196, abs=0.002)}
    assert kept["next"]["command"].startswith("golfsweep package now/edit-41 --out ")
    assert describe_next(plan.spec.name, place)["sweep"] == "now"  # a challenge is about the challenged sweep


def test_a_leaked_winner_is_never_the_best(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("main"))
    document = describe_next(None, place)
    assert document["best"]["entry"] == "base" and document["entry"] == "none"
    assert [each["decision"] for each in document["candidates"]] == ["discard", "discard"]
    leak = {"name": "leak", "eval": {"preset": "chimera-611"}, "seeds": [3]}
    play(place, file("leaks", arm=[{**leak, "baseline": True}]))
    alone = describe_next("leaks", place)
    assert (alone["best"], alone["decision"], alone["entry"]) == (None, None, None)
    assert alone["next"]["command"] == "golfsweep show leaks/leak"
