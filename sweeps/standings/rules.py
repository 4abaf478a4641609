"""The rule of a contest for one entry, and its rule against another entry; thresholds are decided exactly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from sweeps.board.columns.verdict import VerdictWord
from sweeps.contests.contest import Contest
from sweeps.statistics import moments
from sweeps.statistics.known_sigma import known_sigma, known_sigma_pair
from sweeps.statistics.seeds import one_sample, welch


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleResult:
    """What a rule says; None where there are too few runs for it."""

    test: str
    statistic: float | None
    """Student's t; of a known deviation the left side of the rule, in the score's unit."""
    p_value: float | None
    threshold: float
    """Of a known deviation what the statistic must reach; else what the p-value must be below."""
    passed: bool | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "test": self.test,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "threshold": self.threshold,
            "passed": self.passed,
        }


def apply_rule(contest: Contest, scores: Sequence[Decimal]) -> RuleResult:
    """Apply a contest's rule to the scores of an entry's runs."""
    rule, sign = contest.rule, _sign(contest)
    assert rule.target is not None
    signed = [float(sign * score) for score in scores]
    if rule.test == "known-sigma":
        assert rule.sigma is not None and rule.threshold is not None
        if not scores:
            return RuleResult(
                test=rule.test, statistic=None, p_value=None, threshold=float(rule.threshold), passed=None
            )
        gain = sign * (Fraction(rule.target) - exact_mean(scores))
        test = known_sigma(moments(signed, 1), float(sign * rule.target), float(rule.sigma))
        return RuleResult(
            test=rule.test,
            statistic=float(gain) * math.sqrt(len(scores)),
            p_value=test.p_value,
            threshold=float(rule.threshold),
            passed=_reaches(gain, Fraction(len(scores)), Fraction(rule.threshold)),
        )
    assert rule.level is not None
    if len(scores) < 2:
        return RuleResult(test=rule.test, statistic=None, p_value=None, threshold=rule.level, passed=None)
    result = one_sample(moments(signed), float(sign * rule.target))
    return RuleResult(
        test=rule.test,
        statistic=_finite(result.statistic),
        p_value=result.p_value,
        threshold=rule.level,
        passed=result.p_value < rule.level,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """What the rule against another entry takes of an entry."""

    scores: Sequence[Decimal]
    seconds: Sequence[float]
    """Of its runs; empty where a log has no clock."""
    value: float | None
    """What it is ranked by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Improvement:
    """What the rule against another entry says."""

    verdict: VerdictWord
    result: RuleResult


def compare_sides(contest: Contest, challenger: Side, incumbent: Side) -> Improvement | None:
    """Apply a contest's rule against another entry; None where it has none, or where there are too few runs."""
    rule, sign = contest.improvement, _sign(contest)
    if rule is None or not challenger.scores or not incumbent.scores:
        return None
    if rule.test == "known-sigma":
        return _compare_known_sigma(contest, challenger, incumbent)
    assert rule.level is not None
    by_seconds = contest.ranked.by == "seconds"
    ours, theirs = (
        list(side.seconds) if by_seconds else [float(sign * score) for score in side.scores]
        for side in (challenger, incumbent)
    )
    if min(len(ours), len(theirs)) < 2:
        return None
    test = welch(moments(ours), moments(theirs))
    word: VerdictWord = "better" if test.p_value < rule.level else "undecided"
    word = "worse" if 1 - test.p_value < rule.level else word
    return Improvement(
        verdict=word,
        result=RuleResult(
            test="welch",
            statistic=_finite(test.statistic),
            p_value=test.p_value,
            threshold=rule.level,
            passed=word == "better",
        ),
    )


def _compare_known_sigma(contest: Contest, challenger: Side, incumbent: Side) -> Improvement | None:
    rule, sign = contest.improvement, _sign(contest)
    assert rule is not None and rule.sigma is not None and rule.threshold is not None
    assert rule.allowance_per_100 is not None
    if challenger.value is None or incumbent.value is None:
        return None
    ours, theirs = exact_mean(challenger.scores), exact_mean(incumbent.scores)
    saved = Fraction(incumbent.value) - Fraction(challenger.value) if contest.ranked.by != "score" else Fraction(0)
    gain = sign * (theirs - ours) + Fraction(rule.allowance_per_100) * saved / 100
    n, m = len(challenger.scores), len(incumbent.scores)
    weight, threshold = 1 / (Fraction(1, n) + Fraction(1, m)), Fraction(rule.threshold)
    signed = [moments([float(sign * score) for score in side.scores], 1) for side in (challenger, incumbent)]
    allowance = float(rule.allowance_per_100) * float(saved) / 100
    test = known_sigma_pair(signed[0], signed[1], float(rule.sigma), -allowance)
    better, worse = _reaches(gain, weight, threshold), _reaches(-gain, weight, threshold)
    word: VerdictWord = "better" if better else "worse" if worse else "undecided"
    return Improvement(
        verdict=word,
        result=RuleResult(
            test="known-sigma",
            statistic=float(gain) * math.sqrt(weight),
            p_value=test.p_value,
            threshold=float(rule.threshold),
            passed=better,
        ),
    )


def exact_mean(scores: Sequence[Decimal]) -> Fraction:
    """The mean without any rounding."""
    return sum(map(Fraction, scores), Fraction(0)) / len(scores)


def _reaches(gain: Fraction, weight: Fraction, threshold: Fraction) -> bool:
    """Whether gain·√weight ≥ threshold."""
    return gain > 0 and gain * gain * weight >= threshold * threshold


def _sign(contest: Contest) -> int:
    return 1 if contest.score.direction == "lower" else -1


def _finite(statistic: float) -> float | None:
    return statistic if math.isfinite(statistic) else None
