"""When no difference is the claim: a method that is faster or simpler, and no worse."""

from collections.abc import Sequence
from dataclasses import dataclass

from sweeps.statistics.estimate import TestResult, finite_number, quantile
from sweeps.statistics.seeds import welch_test


@dataclass(frozen=True, kw_only=True, slots=True)
class Equivalence:
    """Outcome of two one-sided tests."""

    p_value: float
    """That the two differ by less than the margin, either way."""
    difference: float
    ci90: tuple[float, float]
    """Two-sided 90 % interval: it lies within ± margin just where p_value < 0.05."""


def no_worse_test(challenger: Sequence[float], incumbent: Sequence[float], margin: float) -> TestResult:
    """Welch's test that the challenger is higher by less than the margin ("no worse than", non-inferiority).

    Raises:
        ValueError: a margin that is not above 0, or as `welch_test`.
    """
    return welch_test(challenger, incumbent, -_positive(margin))


def equivalence_test(challenger: Sequence[float], incumbent: Sequence[float], margin: float) -> Equivalence:
    """Two one-sided Welch tests that the difference is within ± margin; the worse one counts.

    Source: Schuirmann 1987, J. Pharmacokinet. Biopharm. 15.

    Raises:
        ValueError: a margin that is not above 0, or as `welch_test`.
    """
    above = welch_test(challenger, incumbent, -_positive(margin))
    below = welch_test(incumbent, challenger, -margin)
    # The 95 % interval holds the standard error: half its width over its own quantile.
    error = (above.ci95[1] - above.difference) / quantile(0.975, above.df)
    half = quantile(0.95, above.df) * error
    return Equivalence(
        p_value=max(above.p_value, below.p_value),
        difference=above.difference,
        ci90=(above.difference - half, above.difference + half),
    )


def _positive(margin: float) -> float:
    if not finite_number(margin, "margin") > 0:
        raise ValueError(f"margin = {margin}: must be above 0; no data show a difference of exactly nought")
    return margin
