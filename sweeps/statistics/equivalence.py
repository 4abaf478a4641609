"""Tests for claims of no difference: a method that is faster or simpler, and no worse."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.statistics.estimate import TestResult, finite_number, quantile
from sweeps.statistics.seeds import welch_test


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalence:
    """Outcome of two one-sided tests."""

    p_value: float
    """One-sided p that the two differ by less than the margin in both directions."""
    difference: float
    """Challenger − incumbent."""
    ci90: tuple[float, float]
    """Two-sided 90 % interval of the difference; it lies within ± margin exactly when p_value < 0.05."""


def no_worse_test(challenger: Sequence[float], incumbent: Sequence[float], margin: float) -> TestResult:
    """Test by Welch that the challenger is higher by less than the margin (non-inferiority).

    Args:
        challenger: one score for each seed, at least two.
        incumbent: likewise.
        margin: in the unit of the scores, above 0.

    Raises:
        ValueError: the margin is not above 0, or as `welch_test`.
    """
    return welch_test(challenger, incumbent, -_positive(margin))


def equivalence_test(challenger: Sequence[float], incumbent: Sequence[float], margin: float) -> Equivalence:
    """Test by two one-sided Welch tests that the difference is within ± margin; the larger p counts.

    Source: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15.

    Args:
        challenger: one score for each seed, at least two.
        incumbent: likewise.
        margin: in the unit of the scores, above 0.

    Raises:
        ValueError: the margin is not above 0, or as `welch_test`.
    """
    above = welch_test(challenger, incumbent, -_positive(margin))
    below = welch_test(incumbent, challenger, -margin)
    # The standard error is half the width of the 95 % interval, divided by its quantile.
    error = (above.ci95[1] - above.difference) / quantile(0.975, above.df)
    half = quantile(0.95, above.df) * error
    return Equivalence(
        p_value=max(above.p_value, below.p_value),
        difference=above.difference,
        ci90=(above.difference - half, above.difference + half),
    )


def _positive(margin: float) -> float:
    if not finite_number(margin, "margin") > 0:
        raise ValueError(f"margin = {margin}: must be above 0; no data can show a difference of exactly 0")
    return margin
