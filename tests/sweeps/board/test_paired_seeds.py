"""Verdicts of entries that evaluate the same trainings: the demo's own numbers, and what does not pair."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from golf.score import LN2
from sweeps.board.entries import build_entry
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.pairs.seed_test import explain_no_pairs, pair_by_training
from sweeps.board.rules import Published
from sweeps.statistics import expected_lowest, moments, paired_power, paired_seeds_needed, welch_test
from sweeps.statistics.planning import POWER
from tests.sweeps.evaluations import LEAKS, entries, evaluation, record

LORA = [1.80943, 1.81519, 1.81138]
GAINS = [0.00633, 0.00609, 0.00844]
DEMO = ValidationSet(data="demo", tokenizer="1024.model", documents=12, tokens=48_772, bytes=142_456)
MARGIN = 0.005 / LN2 * DEMO.tokens / DEMO.bytes


def shared(name: str, scores: list[float], by: str = "weights", first: int = 0, **changes: Any) -> list[Evaluation]:
    """Evaluations of the trainings of seeds from `first` on."""
    facts = {"text": DEMO, "scores": None} | changes
    return [
        evaluation(name, seed, bpb, nll=bpb * DEMO.bytes * LN2, **{by: f"training {seed}"}, **facts)
        for seed, bpb in enumerate(scores, first)
    ]


def demo(by: str = "weights", **changes: Any) -> list[Evaluation]:
    trial = [bpb - gain for bpb, gain in zip(LORA, GAINS, strict=True)]
    return [*shared("base", LORA, by), *shared("trial 20", trial, by, stage=(0.0, 1), trials=24, **changes)]


@pytest.mark.parametrize("by", ["weights", "artifact"])
def test_the_demos_claim_is_tested_by_training(by: str) -> None:
    rows = entries(demo(by), profile="strict")
    row = rows["trial 20"]
    assert round(row["p_paired_seeds"], 4) == round(row["p_written_rule_paired"], 4) == 0.0133
    assert round(row["p_incumbent_paired"], 4) == 0.0057
    assert row["p_value"] == pytest.approx(0.084, abs=0.001)
    assert (row["verdict"], row["verdict_test"], row["verdict_against"]) == ("undecided", "paired-artifacts", "base")
    assert row["verdict_p"] == row["p_written_rule_paired"]
    assert (row["written_rule"], row["precedent"]) == (False, True)
    assert 0 < row["seeds_to_settle"] < 20
    spread = moments(GAINS).std
    assert row["selection_bias_mbpb"] == pytest.approx(-1000 * expected_lowest(24, spread))
    assert 2.4 < row["selection_bias_mbpb"] < 2.6
    assert entries(demo(by))["trial 20"]["verdict"] == "better"
    assert (rows["base"]["verdict"], rows["base"]["verdict_test"]) == ("not comparable", None)


def test_equal_seed_numbers_pair_nothing() -> None:
    runs = [*demo(), *[evaluation("own", seed, bpb, text=DEMO, nll=bpb * DEMO.bytes * LN2, scores=None)
                       for seed, bpb in enumerate([1.80, 1.81, 1.805])]]  # fmt: skip
    row = entries(runs)["own"]
    assert row["p_paired_seeds"] is None
    assert row["verdict_test"] == "welch"
    assert row["p_value"] == pytest.approx(welch_test([1.80, 1.81, 1.805], LORA, MARGIN).p_value)


def test_a_part_of_the_trainings_pairs_only_where_it_is_all_of_one_side() -> None:
    """A choice among trainings would be one among results."""
    five = [*LORA, 1.8120, 1.8101]
    base = build_entry(shared("base", five), "accepted")
    within = build_entry(shared("within", [*LORA[1:], 1.80], first=1), "accepted")
    beside = build_entry(shared("beside", five, first=2), "accepted")
    differences = pair_by_training(within, base)
    assert differences is not None
    assert (differences.n, pair_by_training(base, within).n) == (3, 3)  # type: ignore[union-attr]
    assert pair_by_training(beside, base) is None
    assert explain_no_pairs(beside, base) == "only a part of their trainings is shared"
    assert "share no training" in explain_no_pairs(build_entry(shared("far", five, first=9), "accepted"), base)
    assert pair_by_training(build_entry(shared("one", LORA[:1]), "accepted"), base) is None
    shifted = build_entry(shared("shifted", [bpb + 0.01 for bpb in five]), "accepted")
    assert pair_by_training(shifted, base) is None  # equal differences say nothing of their noise
    again = [evaluation("twice", n, 1.8 + n / 1000, text=DEMO, weights=f"training {min(n, 1)}") for n in range(3)]
    assert pair_by_training(build_entry(again, "accepted"), base) is None


def test_what_is_worse_flagged_or_alone_is_named_so() -> None:
    runs = [
        *demo(),
        *shared("worse", [bpb + 0.02 + n / 2000 for n, bpb in enumerate(LORA)]),
        *shared("leak", [1.0], findings=LEAKS["findings"]),
    ]
    rows = entries(runs, profile="strict")
    assert [rows[name]["verdict"] for name in ("worse", "leak")] == ["worse", "flagged"]
    assert rows["leak"]["verdict_test"] is None
    alone = entries([*demo(), *shared("one seed", [1.79])])["one seed"]
    assert (alone["verdict"], alone["verdict_test"]) == ("undecided", None)
    imported = entries(
        [], baseline=None, imported=[record("first", 1.0, 1.08, 1.081), record("next", 2.0, 1.07, 1.071)]
    )
    assert [imported[name]["verdict"] for name in ("first", "next")] == ["not comparable", "better"]
    assert (imported["next"]["verdict_test"], imported["next"]["verdict_against"]) == ("welch", "first")


def test_a_published_mean_is_a_target() -> None:
    rows = entries(shared("base", LORA), baseline=Published(mean=1.83))
    assert (rows["base"]["verdict"], rows["base"]["verdict_test"]) == ("better", "target")
    known = entries(shared("base", LORA), baseline=Published(mean=1.83, std=0.002, n=3))
    assert known["base"]["verdict_test"] == "welch"


def test_the_chance_of_a_paired_plan_is_that_of_a_simulation() -> None:
    differences = moments([-value for value in GAINS])
    plan = paired_seeds_needed(differences, margin=MARGIN)
    assert plan is not None
    assert plan.power >= POWER
    generator = np.random.default_rng(1)
    drawn = generator.normal(differences.mean, differences.std, (40_000, plan.seeds))
    t = (-drawn.mean(1) - MARGIN) / (drawn.std(1, ddof=1) / math.sqrt(plan.seeds))
    assert np.mean(stats.t.sf(t, plan.seeds - 1) < plan.level) == pytest.approx(plan.power, abs=0.02)
    fewer = moments([-value for value in GAINS])
    assert paired_power(fewer, MARGIN, plan.level) < POWER
    assert paired_seeds_needed(moments([0.001, 0.002]), margin=MARGIN) is None
