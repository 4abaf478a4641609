"""The further runs that would show an entry's claim: that it reaches the target and beats the current record."""

import math
from collections.abc import Callable
from fractions import Fraction

from scipy import special

from sweeps.contests.contest import Contest
from sweeps.standings.rules import Side, apply_rule, compare_sides, exact_mean
from sweeps.statistics import Moments, moments
from sweeps.statistics.planning import MOST_SEEDS, POWER, paired_seeds_needed, seeds_needed

_QUANTILE = float(special.ndtri(POWER))


def runs_needed(contest: Contest, challenger: Side, incumbent: Side | None, *, incumbent_grows: bool) -> int | None:
    """The fewest runs to add so that both rules are passed with a chance of 80 %, if means and spreads are as they are.

    Args:
        contest: with the rules.
        challenger: the entry.
        incumbent: what it is to beat; None where nothing is, or where the contest has no rule for it.
        incumbent_grows: whether the incumbent gets as many further runs.

    Returns:
        0 where both are passed now; None where too few runs are known, or no number up to 200 would do.
    """
    alone = _needed_alone(contest, challenger)
    if alone is None or incumbent is None or contest.improvement is None:
        return alone
    beside = _needed_beside(contest, challenger, incumbent, incumbent_grows)
    return None if beside is None else max(alone, beside)


def _needed_alone(contest: Contest, side: Side) -> int | None:
    """For the rule of the target."""
    rule, result = contest.rule, apply_rule(contest, side.scores)
    if result.passed is None or result.passed:
        return None if result.passed is None else 0
    assert rule.target is not None
    sign = 1 if contest.score.direction == "lower" else -1
    if rule.test == "known-sigma":
        assert rule.sigma is not None and rule.threshold is not None
        gain = sign * float(Fraction(rule.target) - exact_mean(side.scores))
        n, sigma, threshold = len(side.scores), float(rule.sigma), float(rule.threshold)
        return _find_fewest(lambda more: gain * math.sqrt(n + more) - threshold >= _QUANTILE * sigma)
    assert rule.level is not None
    differences = moments([float(sign * (score - rule.target)) for score in side.scores])
    plan = paired_seeds_needed(differences, level=rule.level)
    return None if plan is None else plan.more


def _needed_beside(contest: Contest, challenger: Side, incumbent: Side, grows: bool) -> int | None:
    """For the rule against another entry."""
    rule, tested = contest.improvement, compare_sides(contest, challenger, incumbent)
    if tested is None or rule is None:
        return None
    if tested.verdict == "better":
        return 0
    if rule.test == "known-sigma":
        assert rule.sigma is not None and rule.threshold is not None and tested.result.statistic is not None
        n, m = len(challenger.scores), len(incumbent.scores)
        gain = tested.result.statistic / math.sqrt(_weight(n, m))
        sigma, threshold = float(rule.sigma), float(rule.threshold)
        return _find_fewest(
            lambda more: (
                gain * math.sqrt(_weight(n + more, m + (more if grows else 0))) - threshold >= _QUANTILE * sigma
            )
        )
    assert rule.level is not None
    ours, theirs = (_tested(contest, side) for side in (challenger, incumbent))
    plan = seeds_needed(ours, theirs, level=rule.level, incumbent_grows=grows)
    return None if plan is None else plan.more


def _tested(contest: Contest, side: Side) -> Moments:
    """Of what Welch's test of two entries is about; lower is better."""
    if contest.ranked.by == "seconds":
        return moments(list(side.seconds))
    sign = 1 if contest.score.direction == "lower" else -1
    return moments([float(sign * score) for score in side.scores])


def _weight(n: int, m: int) -> float:
    return 1 / (1 / n + 1 / m)


def _find_fewest(passes: Callable[[int], bool]) -> int | None:
    return next((more for more in range(1, MOST_SEEDS + 1) if passes(more)), None)
