"""Replications of a claim: how often they are wrong, what they decide, and what is planned."""

import math

import numpy as np
import pytest
from scipy import stats

from sweeps.statistics import Moments, Noise, analysis_levels, analyze_replication, plan_replication
from sweeps.statistics.planning import POWER
from sweeps.statistics.replication import LEVEL, likely_spread

RUNS = 3_000


def replicate(gain: float, claimed: float, analyses: tuple[int, ...], runs: int = RUNS) -> dict[str | None, float]:
    """Shares of the outcomes of replications by training whose differences have a deviation of 1."""
    differences = np.random.default_rng(7).normal(-gain, 1, (runs, analyses[-1])).tolist()
    outcomes: list[str | None] = []
    for row in differences:
        made = (
            analyze_replication(
                row[:seeds], [0.0] * seeds, gain=claimed, margin=0.0, analyses=analyses, paired=True
            ).outcome
            for seeds in analyses
        )
        outcomes.append(next((outcome for outcome in made if outcome is not None), None))
    return {outcome: outcomes.count(outcome) / runs for outcome in ("stands", "falls", None)}


def test_a_design_decides_and_is_rarely_wrong() -> None:
    design = plan_replication(1.5, 0.0, Noise(challenger=1.0))
    assert design is not None and design.power >= POWER
    allowed = LEVEL + 3 * math.sqrt(LEVEL / RUNS)
    true, empty = replicate(1.5, 1.5, design.analyses), replicate(0.0, 1.5, design.analyses)
    assert true["falls"] <= allowed and empty["stands"] <= allowed
    assert true["stands"] == pytest.approx(design.power, abs=0.03)
    assert empty["falls"] == pytest.approx(design.power, abs=0.03)
    beyond = replicate(2.5, 1.5, design.analyses)
    assert beyond["falls"] <= allowed and beyond["stands"] > true["stands"]


def test_fewer_seeds_would_not_decide_often_enough() -> None:
    """One analysis by training has the power of Student's test, in closed form by the noncentral t."""
    noise, distance = Noise(challenger=1.0), 4.0
    design = plan_replication(distance, 0.0, noise)
    assert design is not None and design.analyses[-1] > 3

    def power(n: int) -> float:
        return float(stats.nct.sf(stats.t.isf(LEVEL, n - 1), n - 1, distance * math.sqrt(n)))

    fewest = next(n for n in range(3, 100) if power(n) >= POWER)
    assert design.analyses[-1] >= fewest  # several analyses take some more at most, and fewer on average
    assert design.expected_seeds <= fewest


def test_a_margin_makes_a_claim_dearer_and_noise_too() -> None:
    def most(gain: float, margin: float, noise: Noise) -> int:
        design = plan_replication(gain, margin, noise)
        assert design is not None
        return design.analyses[-1]

    plain = most(2.0, 0.0, Noise(challenger=1.0))
    assert most(2.0, 0.8, Noise(challenger=1.0)) > plain
    assert most(2.0, 0.0, Noise(challenger=1.0, incumbent=1.0)) > plain
    assert most(4.0, 2.0, Noise(challenger=1.0)) == plain


def test_what_no_affordable_number_decides_has_no_plan() -> None:
    assert plan_replication(0.1, 0.0, Noise(challenger=1.0)) is None
    assert plan_replication(2.0, 0.0, Noise(challenger=1.0, incumbent=1.0, incumbent_seeds=3)) is None
    assert plan_replication(5.0, 0.0, Noise(challenger=1.0, incumbent=1.0, incumbent_seeds=9)) is not None
    with pytest.raises(ValueError, match="must be above the margin"):
        plan_replication(1.0, 1.0, Noise(challenger=1.0))


def test_each_opponent_has_its_test() -> None:
    ours, theirs = [1.0, 1.1, 1.05, 0.98], [1.2, 1.35, 1.21, 1.24]
    plan = {"gain": 0.3, "margin": 0.01, "analyses": (4, 8)}
    expected = {
        True: stats.ttest_1samp(np.subtract(theirs, ours), 0.01, alternative="greater"),
        False: stats.ttest_ind(np.subtract(theirs, 0.01), ours, equal_var=False, alternative="greater"),
    }
    for paired, test in expected.items():
        result = analyze_replication(ours, theirs, paired=paired, **plan)
        assert result.p_stands == pytest.approx(test.pvalue)
        assert result.level == analysis_levels((4, 8))[0]
    exact = analyze_replication(ours, 1.25, paired=False, **plan)
    assert exact.p_stands == pytest.approx(stats.ttest_1samp(ours, 1.24, alternative="less").pvalue)
    assert exact.p_falls == pytest.approx(stats.ttest_1samp(ours, 0.95, alternative="greater").pvalue)
    record = Moments(mean=1.25, variance=0.0049, n=4)
    fixed = analyze_replication(ours, record, paired=False, **plan)
    known = stats.ttest_ind_from_stats(1.25 - 0.01, 0.07, 4, np.mean(ours), np.std(ours, ddof=1), 4, False, "greater")
    assert fixed.p_stands == pytest.approx(known.pvalue)


def test_a_gain_that_is_shown_stands_though_it_is_smaller_than_claimed() -> None:
    scores = [1.0, 1.001, 0.999, 1.0005]
    both = analyze_replication(scores, [1.1] * 4, gain=0.5, margin=0.0, analyses=(4,), paired=True)
    assert both.p_falls < both.level and both.outcome == "stands"
    none = analyze_replication(scores, [1.0] * 4, gain=0.5, margin=0.0, analyses=(4,), paired=True)
    assert none.outcome == "falls"


def test_the_true_spread_is_likely_below_the_one_that_is_planned_with() -> None:
    estimates = np.random.default_rng(3).normal(size=(20_000, 3)).std(1, ddof=1)
    below = np.mean([likely_spread(std, 3) > 1 for std in estimates])
    assert below == pytest.approx(0.8, abs=0.01)
    assert likely_spread(1.0, 3) == pytest.approx(math.sqrt(2 / stats.chi2.ppf(0.2, 2)))


def test_only_planned_numbers_of_seeds_are_analyzed() -> None:
    with pytest.raises(ValueError, match=r"3 seeds: expected one of \[4, 8\]"):
        analyze_replication([1.0, 1.1, 1.2], 2.0, gain=1.0, margin=0.0, analyses=(4, 8), paired=False)
