"""Replications of a claim on fresh seeds, which stop as soon as the claim stands or falls.

The claim is a gain g over an incumbent, where a margin δ counts as none. Each analysis tests it from both sides,

    stands    "the gain is at most δ" is rejected
    falls     "the gain is g or more" is rejected

each at the level that `analysis_levels` gives the analysis, so that over all of them a claim of a true gain of g or
more falls, and one of a gain of δ or less stands, with a chance of 1 % at most. Of the designs of one to four analyses
whose chance to decide is 80 % at either true gain, the one that is expected to need the fewest seeds is planned.

What is tested is the claimed gain. A claim that was chosen because it looked good is often larger than what is true,
and may fall although the entry is better: `make bench-statistics` says how often.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from scipy import special

from sweeps.statistics.estimate import Floats, Moments, moments, p_values, quantile, welch_parts
from sweeps.statistics.planning import MOST_SEEDS, POWER
from sweeps.statistics.sequential import FIRST_ANALYSIS, analysis_levels

LEVEL = 0.01
"""Chance with which a claim falls that is true, or stands that is not."""
MOST_ANALYSES = 4
"""More save little: each needs its share of the level."""
_DRAWS = 4_000
"""Simulated replications from which a design is chosen; a chance is known to 0.7 %."""
_TRIED = (12, 48, MOST_SEEDS)
"""Numbers of seeds up to which a design is looked for, one after the other."""

Outcome = Literal["stands", "falls"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Noise:
    """The noise of the difference that a replication measures, by its standard deviations, in the unit of the gain."""

    challenger: float
    """Of one seed; of one difference by training where both are evaluated on the same trainings."""
    incumbent: float = 0.0
    """Of one seed of the incumbent; 0 where the differences are by training, or the incumbent is an exact number."""
    incumbent_seeds: int | None = None
    """Seeds of an incumbent that cannot have more; None where it has as many as the challenger."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicationDesign:
    """When a replication is analyzed."""

    analyses: tuple[int, ...]
    """Seeds at each analysis, rising; the last number is the most that are needed."""
    power: float
    """The chance that it decides, at a true gain of δ as at one of g."""
    expected_seeds: float
    """Seeds that it needs on average then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReplicationAnalysis:
    """What one analysis says."""

    seeds: int
    level: float
    """Below which p must be."""
    difference: float
    """Challenger − incumbent on the fresh seeds, in the unit of the scores."""
    ci95: tuple[float, float]
    """Its 95 % interval, as if there had been no other analysis."""
    p_stands: float
    """One-sided p of a gain of δ or less."""
    p_falls: float
    """One-sided p of a gain of g or more."""

    @property
    def outcome(self) -> Outcome | None:
        """What it decides. A gain that is shown stands, though it may be smaller than claimed."""
        if self.p_stands < self.level:
            return "stands"
        return "falls" if self.p_falls < self.level else None


def likely_spread(std: float, n: int) -> float:
    """The deviation that the true one stays below with a chance of 80 %, by the χ² of its estimate from n values.

    Three values that were selected for a small p-value have a small deviation; a plan that trusts it decides nothing.
    """
    return float(std * math.sqrt((n - 1) / special.chdtri(n - 1, POWER)))


def plan_replication(gain: float, margin: float, noise: Noise) -> ReplicationDesign | None:
    """Plan the cheapest replication that decides a claim with a chance of 80 %.

    Args:
        gain: g, above the margin.
        margin: δ, in the same unit.
        noise: in that unit, too.

    Returns:
        None where 200 seeds would not be enough.

    Raises:
        ValueError: the gain is not above the margin.
    """
    if not gain > margin:
        raise ValueError(f"gain = {gain}: a claim to replicate must be above the margin of {margin}")
    for most in _TRIED:
        p = _simulate(gain - margin, noise, most)
        designs = [design for count in range(1, MOST_ANALYSES + 1) if (design := _smallest(p, count)) is not None]
        if designs:
            return min(designs, key=lambda design: (design.expected_seeds, len(design.analyses)))
    return None


def analyze_replication(
    challenger: Sequence[float],
    incumbent: Sequence[float] | Moments | float,
    *,
    gain: float,
    margin: float,
    analyses: Sequence[int],
    paired: bool,
) -> ReplicationAnalysis:
    """Analyze a replication when so many of its seeds are there as one of its analyses is planned for.

    Args:
        challenger: its scores on the fresh seeds.
        incumbent: its scores on as many fresh seeds; moments of one that cannot have more; or an exact number.
        gain, margin: g and δ, in the unit of the scores.
        analyses: seeds at each planned analysis.
        paired: whether both were evaluated on the same trainings, in this order.

    Raises:
        ValueError: no analysis is planned for this number of seeds, or the incumbent has another number of them.
    """
    seeds = len(challenger)
    if seeds not in analyses:
        raise ValueError(f"{seeds} seeds: expected one of {list(analyses)}")
    difference, error, df = _measure(challenger, incumbent, paired)
    half = quantile(0.975, df) * error
    return ReplicationAnalysis(
        seeds=seeds,
        level=dict(describe_levels(analyses))[seeds],
        difference=difference,
        ci95=(difference - half, difference + half),
        p_stands=float(p_values(-difference - margin, error, df)[1]),
        p_falls=float(p_values(gain + difference, error, df)[1]),
    )


def run_replication(
    challenger: Mapping[int, float],
    incumbent: Mapping[int, float] | Moments | float,
    *,
    seeds: Sequence[int],
    gain: float,
    margin: float,
    analyses: Sequence[int],
    paired: bool,
) -> list[ReplicationAnalysis]:
    """Make the planned analyses that the scores allow so far, in their order, up to the one that decides.

    Args:
        challenger: seed → score, of the fresh seeds that are done.
        incumbent: likewise; or what `analyze_replication` takes for one that cannot have more seeds.
        seeds: the fresh seeds in their order.
        gain, margin, analyses, paired: as in `analyze_replication`.
    """
    made: list[ReplicationAnalysis] = []
    for count in analyses:
        sides = [side for side in (challenger, incumbent) if isinstance(side, Mapping)]
        if any(seed not in side for side in sides for seed in seeds[:count]):
            break
        ours = [challenger[seed] for seed in seeds[:count]]
        theirs = [incumbent[seed] for seed in seeds[:count]] if isinstance(incumbent, Mapping) else incumbent
        made.append(analyze_replication(ours, theirs, gain=gain, margin=margin, analyses=analyses, paired=paired))
        if made[-1].outcome is not None:
            break
    return made


def describe_levels(analyses: Sequence[int]) -> list[tuple[int, float]]:
    """Seeds of each planned analysis, with the level below which p must be there."""
    return list(zip(analyses, analysis_levels(analyses, LEVEL), strict=True))


def _measure(
    challenger: Sequence[float], incumbent: Sequence[float] | Moments | float, paired: bool
) -> tuple[float, float, float]:
    """Difference, its standard error and degrees of freedom."""
    if paired:
        assert isinstance(incumbent, Sequence)
        differences = moments([ours - theirs for ours, theirs in zip(challenger, incumbent, strict=True)])
        return differences.mean, differences.std / differences.n**0.5, differences.n - 1
    ours = moments(challenger)
    if isinstance(incumbent, float):
        return ours.mean - incumbent, ours.std / ours.n**0.5, ours.n - 1
    theirs = incumbent if isinstance(incumbent, Moments) else moments(incumbent)
    parts = welch_parts(ours.mean, ours.variance, ours.n, theirs.mean, theirs.variance, theirs.n)
    difference, error, df = map(float, parts)
    return difference, error, df


def _simulate(distance: float, noise: Noise, most: int) -> Floats:
    """p of the claim at every number of seeds [draws, most − 1], from two seeds on, where the claim is true.

    By symmetry it is also that of its fall, where there is no gain.
    """
    generator = np.random.default_rng(0)
    counts = np.arange(2, most + 1)
    mean, variance = _running_moments(noise.challenger * generator.normal(size=(_DRAWS, most)))
    if noise.incumbent == 0:
        return p_values(distance - mean, np.sqrt(variance / counts), counts - 1)[1]
    if noise.incumbent_seeds is None:
        n_i = counts
        mean_i, variance_i = _running_moments(noise.incumbent * generator.normal(size=(_DRAWS, most)))
    else:
        n_i = np.array([noise.incumbent_seeds])
        mean_i = noise.incumbent / noise.incumbent_seeds**0.5 * generator.normal(size=(_DRAWS, 1))
        variance_i = noise.incumbent**2 * generator.chisquare(n_i - 1, (_DRAWS, 1)) / (n_i - 1)
    difference, error, df = welch_parts(mean, variance, counts, mean_i, variance_i, n_i)
    return p_values(distance - difference, error, df)[1]


def _running_moments(x: Floats) -> tuple[Floats, Floats]:
    """Mean and sample variance of the first two, three, … values of each row."""
    counts = np.arange(1, x.shape[1] + 1)
    mean = x.cumsum(1) / counts
    squares = np.maximum((x**2).cumsum(1) - counts * mean**2, 0.0)
    return mean[:, 1:], squares[:, 1:] / (counts[1:] - 1)


def _smallest(p: Floats, count: int) -> ReplicationDesign | None:
    """The design of so many analyses with the fewest seeds that has the power; None where no number has."""
    low, high = FIRST_ANALYSIS + count - 1, p.shape[1] + 1
    if low > high or _evaluate(p, high, count).power < POWER:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _evaluate(p, middle, count).power >= POWER else (middle + 1, high)
    return _evaluate(p, low, count)


def _evaluate(p: Floats, last: int, count: int) -> ReplicationDesign:
    """Power and expected seeds of a design whose analyses are equally far apart."""
    analyses = _space(last, count)
    below = p[:, [seeds - 2 for seeds in analyses]] < analysis_levels(analyses, LEVEL)
    decided = below.any(1)
    first = np.where(decided, below.argmax(1), count - 1)
    expected = float(np.array(analyses)[first].mean())
    return ReplicationDesign(analyses=analyses, power=float(decided.mean()), expected_seeds=expected)


def _space(last: int, count: int) -> tuple[int, ...]:
    """Numbers of seeds up to the last one, equally far apart as far as the first of them is not too small."""
    spaced = np.linspace(max(FIRST_ANALYSIS, last / count), last, count).round().astype(int).tolist()
    analyses = [*spaced[:-1], last] if count > 1 else [last]
    assert all(a < b for a, b in pairwise(analyses))
    return tuple(analyses)
