"""The test across seeds that decides a verdict: paired by training where two entries share them, Welch's otherwise.

Which one it is follows from what was trained, never from the p-values. The other is shown beside it.
"""

from dataclasses import replace
from typing import Literal, get_args

from sweeps.board.entries import BoardEntry
from sweeps.statistics import (
    Moments,
    Plan,
    PlanRange,
    TestResult,
    moments,
    paired_seeds,
    paired_seeds_needed,
    seeds_needed,
    welch,
)
from sweeps.statistics.estimate import ROUNDING

VerdictTest = Literal["welch", "paired-artifacts", "target"]
"""`target`: against a published mean of which no spread is known."""
TESTS: tuple[VerdictTest, ...] = get_args(VerdictTest)
VERDICT_VALUES = ("rule", "lower", "test")
"""What a verdict takes from tests: p by the profile's rule, p of being lower at all, and the place in TESTS."""


def pair_by_training(challenger: BoardEntry, incumbent: BoardEntry) -> Moments | None:
    """Moments of challenger − incumbent by training, in bits per byte.

    None where not all trainings of the one are also the other's (a part of them would be a choice), where fewer than
    two are, or where all differences are equal, which tells nothing of their noise.
    """
    ours, theirs = challenger.trainings, incumbent.trainings
    if not (len(ours) > 1 and len(theirs) > 1 and (ours.keys() <= theirs.keys() or theirs.keys() <= ours.keys())):
        return None
    if len(ours) < len(challenger.scores) or len(theirs) < len(incumbent.scores):  # two seeds made the same weights
        return None
    differences = moments([bpb - theirs[training] for training, bpb in ours.items() if training in theirs])
    scale = max(map(abs, ours.values()))
    return differences if differences.std > ROUNDING * scale else None


def explain_no_pairs(challenger: BoardEntry, incumbent: BoardEntry) -> str:
    """Why two entries are not paired by training."""
    ours, theirs = challenger.trainings.keys(), incumbent.trainings.keys()
    if not ours & theirs:
        return "the two share no training; equal seed numbers alone do not pair runs"
    if ours <= theirs or theirs <= ours:
        return "all differences are equal or there is only one, so their noise is unknown"
    return "only a part of their trainings is shared"


def run_seed_test(challenger: BoardEntry, incumbent: BoardEntry, margin: float) -> tuple[VerdictTest, TestResult]:
    """The verdict's test of two entries with at least two seeds each, and its result; `margin` in bits per byte."""
    assert challenger.moments is not None and incumbent.moments is not None
    if (differences := pair_by_training(challenger, incumbent)) is None:
        return "welch", welch(challenger.moments, incumbent.moments, margin)
    scale = abs(challenger.moments.mean) + abs(incumbent.moments.mean)
    return "paired-artifacts", paired_seeds(differences, scale, margin)


def plan_seeds(challenger: BoardEntry, incumbent: BoardEntry, margin: float, level: float) -> PlanRange:
    """Plan the seeds with which the verdict's test would show a claim, at both ends of the difference's interval."""
    _, result = run_seed_test(challenger, incumbent, 0.0)
    least, most = (_plan_at(end, challenger, incumbent, margin, level) for end in result.ci95)
    return PlanRange(least=least, most=most)


def _plan_at(
    difference: float, challenger: BoardEntry, incumbent: BoardEntry, margin: float, level: float
) -> Plan | None:
    """Plan the seeds for a difference, with the spread as it appears now."""
    assert challenger.moments is not None and incumbent.moments is not None
    if (differences := pair_by_training(challenger, incumbent)) is not None:
        return paired_seeds_needed(replace(differences, mean=difference), margin=margin, level=level)
    supposed = replace(challenger.moments, mean=incumbent.moments.mean + difference)
    ours = incumbent.source == "golfsweep"
    return seeds_needed(supposed, incumbent.moments, margin=margin, level=level, incumbent_grows=ours)
