"""How often the tests across seeds claim falsely, and what they find, by simulation.

    python -m benchmarks.statistics [--runs 20000] [--json]

Every run draws three seeds of a challenger, three of an incumbent and three of each of six other recipes, all normal.
False claims are at a true gain of 0; power is at a gain of two deviations. Scenarios of the deviations: `equal`;
`varying`, each recipe's own (1/σ² ~ χ²_8/8); `wild`, the challenger's three times that of all others. The level is
0.01. `any analysis` counts a claim at any of the analyses from 3 to 10 seeds, each at its `anytime_level`.

Challenges are planned for a claimed gain of two deviations, with the spread as it is: `true` claims gain as much,
`empty` ones nothing. `inflated` claims gain one deviation, were selected for p < 0.01 on three trainings, and are
challenged with the gain and the spread of those three.
"""

import argparse
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sweeps.statistics import (
    Noise,
    analyze_replication,
    anytime_level,
    moderated_test,
    moments,
    paired_seeds,
    plan_replication,
    pool,
    pooled_test,
    seeds_needed,
    summary,
    variance_prior,
    welch,
)
from sweeps.statistics.double_sampling import PUBLIC_CORRELATION, fit_within, regression_mean
from sweeps.statistics.estimate import p_values, welch_parts
from sweeps.statistics.replication import likely_spread

LEVEL, SEEDS, OTHERS, MOST_SEEDS = 0.01, 3, 6, 10
SPREADS = ("equal", "varying", "wild")
Floats = NDArray[np.float64]


def draw_deviations(generator: np.random.Generator, spread: str, runs: int) -> Floats:
    """Deviations of challenger, incumbent and the others [runs, recipes]."""
    deviations = np.ones((runs, 2 + OTHERS))
    if spread == "varying":
        deviations = np.sqrt(8 / generator.chisquare(8, deviations.shape))
    if spread == "wild":
        deviations[:, 0] = 3
    return deviations


def measure_tests(runs: int, spread: str, gain: float) -> dict[str, float]:
    """Share of runs that claim, by test; the gain is in deviations of challenger and incumbent (root mean square)."""
    generator = np.random.default_rng(0)
    deviations = draw_deviations(generator, spread, runs)
    scores = deviations[:, :, None] * generator.normal(size=(runs, 2 + OTHERS, SEEDS))
    scores[:, 0] -= gain * np.sqrt((deviations[:, :2] ** 2).mean(1))[:, None]
    claims = dict.fromkeys(("Welch", "moderated", "pooled"), 0)
    for rows in scores.tolist():
        c, i, *others = rows
        prior = variance_prior([moments(row).variance for row in others], SEEDS - 1)
        claims["Welch"] += welch(moments(c), moments(i)).p_value < LEVEL
        claims["moderated"] += moderated_test(c, i, prior).p_value < LEVEL
        claims["pooled"] += pooled_test(c, i, pool(rows)).p_value < LEVEL
    return {name: count / runs for name, count in claims.items()}


def measure_analyses(runs: int, spread: str) -> float:
    """Share of runs that claim falsely at any analysis from 3 to 10 seeds of both sides."""
    generator = np.random.default_rng(1)
    deviations = draw_deviations(generator, spread, runs)[:, :2]
    scores = deviations[:, :, None] * generator.normal(size=(runs, 2, MOST_SEEDS))
    claimed = np.zeros(runs, bool)
    for n in range(SEEDS, MOST_SEEDS + 1):
        part = scores[:, :, :n]
        mean, variance = part.mean(2), part.var(2, ddof=1)
        difference, error, df = welch_parts(mean[:, 0], variance[:, 0], n, mean[:, 1], variance[:, 1], n)
        claimed |= p_values(-difference, error, df)[1] < anytime_level(n, LEVEL)
    return float(claimed.mean())


def measure_plans(runs: int) -> float:
    """Share of runs of two equal recipes in which the estimated difference alone would get a plan."""
    scores = np.random.default_rng(2).normal(size=(runs, 2, SEEDS)).tolist()
    return sum(seeds_needed(moments(c), moments(i)) is not None for c, i in scores) / runs


def measure_coverage(runs: int, correlation: float) -> dict[str, float]:
    """Share of 95 % intervals with the true mean, and their width, over 3 evaluated and 9 train-only seeds.

    The line is fitted within four recipes of three evaluated seeds each. `evaluated alone` is the usual t interval.
    """
    generator, noise = np.random.default_rng(3), np.sqrt(1 - correlation**2)
    covered = dict.fromkeys(("regression", "evaluated alone"), 0)
    width = dict.fromkeys(covered, 0.0)
    for _ in range(runs):
        before = generator.normal(size=(4, SEEDS))
        final = correlation * before + noise * generator.normal(size=before.shape)
        recipes = list(zip(before.tolist(), final.tolist(), strict=True))
        estimate = regression_mean(fit_within(recipes), recipes[0], generator.normal(size=9).tolist())
        alone = summary(final[0].tolist()).ci95
        assert alone is not None
        for name, (low, high) in (("regression", estimate.ci95), ("evaluated alone", alone)):
            covered[name] += low <= 0 <= high
            width[name] += high - low
    shares = {f"{name} covers": count / runs for name, count in covered.items()}
    return shares | {f"{name} width": total / runs for name, total in width.items()}


def replicate(challenger: Floats, incumbent: Floats, claimed: float, analyses: tuple[int, ...], paired: bool) -> str:
    """Outcome of one challenge."""
    for seeds in analyses:
        ours, theirs = challenger[:seeds].tolist(), incumbent[:seeds].tolist()
        analysis = analyze_replication(ours, theirs, gain=claimed, margin=0.0, analyses=analyses, paired=paired)
        if analysis.outcome is not None:
            return analysis.outcome
    return "undecided"


def measure_challenges(runs: int, spread: str) -> dict[str, dict[str, float]]:
    """Shares of the outcomes of challenges across seeds, by the kind of claim."""
    generator = np.random.default_rng(4)
    deviations = draw_deviations(generator, spread, runs)[:, :2]
    claimed, outcomes = 2.0, dict[str, dict[str, float]]()
    wild = 3 / np.sqrt(5) if spread == "wild" else 1.0, 1 / np.sqrt(5) if spread == "wild" else 1.0
    design = plan_replication(claimed, 0.0, Noise(challenger=wild[0], incumbent=wild[1]))
    assert design is not None
    for kind, gain in (("true", claimed), ("empty", 0.0)):
        counts = dict.fromkeys(("stands", "falls", "undecided"), 0)
        for ours, theirs in deviations:
            scale = float(np.sqrt((ours**2 + theirs**2) / 2))
            noise = generator.normal(size=(2, design.analyses[-1]))
            fresh = ours / scale * noise[0] - gain, theirs / scale * noise[1]
            counts[replicate(*fresh, claimed, design.analyses, paired=False)] += 1
        outcomes[kind] = {name: count / runs for name, count in counts.items()}
    return outcomes


def measure_inflated(runs: int) -> dict[str, float]:
    """Shares of the outcomes of challenges of claims by training that were selected for their p-value."""
    generator = np.random.default_rng(5)
    counts = dict.fromkeys(("stands", "falls", "undecided"), 0)
    while sum(counts.values()) < runs:
        first = moments((generator.normal(size=SEEDS) - 1).tolist())
        if paired_seeds(first, 1.0).p_value >= LEVEL:
            continue
        design = plan_replication(-first.mean, 0.0, Noise(challenger=likely_spread(first.std, SEEDS)))
        assert design is not None  # a claim with so small a p-value is far from its noise
        fresh = generator.normal(size=design.analyses[-1]) - 1
        counts[replicate(fresh, np.zeros_like(fresh), -first.mean, design.analyses, paired=True)] += 1
    return {name: count / runs for name, count in counts.items()}


def measure(runs: int) -> dict[str, Any]:
    """All figures."""
    return {
        "runs": runs,
        "false claims": {spread: measure_tests(runs, spread, 0.0) for spread in SPREADS},
        "power at two deviations": {spread: measure_tests(runs, spread, 2.0) for spread in SPREADS},
        "any analysis": {spread: measure_analyses(50 * runs, spread) for spread in SPREADS},
        "coverage": {f"{rho:g}": measure_coverage(runs, rho) for rho in (PUBLIC_CORRELATION, 0.8)},
        "plans without a gain": measure_plans(max(1, runs // 10)),
        "challenges": {spread: measure_challenges(runs, spread) for spread in SPREADS},
        "inflated claims": measure_inflated(max(1, runs // 10)),
    }


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20_000, help="simulated comparisons of each kind")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    measured = measure(options.runs)
    if options.json:
        return print(json.dumps(measured))
    for title in ("false claims", "power at two deviations"):
        for spread, claims in measured[title].items():
            print(f"{title}, {spread}: " + ", ".join(f"{name} {share:.2%}" for name, share in claims.items()))
    for spread, share in measured["any analysis"].items():
        print(f"false claims at any analysis from 3 to 10 seeds, {spread}: {share:.2%}")
    for correlation, shares in measured["coverage"].items():
        figures = ", ".join(f"{name} {share:.3g}" for name, share in shares.items())
        print(f"mean over 3 evaluated and 9 train-only seeds, correlation {correlation}: {figures}")
    for spread, kinds in measured["challenges"].items():
        for kind, shares in kinds.items():
            print(
                f"challenges of {kind} claims, {spread}: "
                + ", ".join(f"{n} {share:.2%}" for n, share in shares.items())
            )
    shares = measured["inflated claims"]
    print("challenges of inflated claims: " + ", ".join(f"{name} {share:.0%}" for name, share in shares.items()))
    print(f"plans without a gain, at the estimate: {measured['plans without a gain']:.0%}")


if __name__ == "__main__":
    main()
