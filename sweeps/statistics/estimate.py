"""The base of every test: a difference, its standard error and degrees of freedom, and Student's t.

Lower scores are better. A difference is challenger − incumbent in the unit of the input, and a test asks whether it is
below −margin:

    t = (−difference − margin) / error,  p = P(T_df ≥ t)

The array forms (`welch_parts`, `p_values`) work on one pair of entries and on a hundred thousand.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

CONFIDENCE = 0.95
Floats = NDArray[np.float64]
ROUNDING = 16 * np.finfo(np.float64).eps
"""A difference below this share of its terms is a rounding of 0."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """Result of a one-sided test that the challenger is lower by more than the margin."""

    __test__ = False  # keeps pytest from collecting it as a class of tests

    statistic: float
    """t, positive in favor of the challenger."""
    df: float
    """Degrees of freedom."""
    p_value: float
    """One-sided."""
    difference: float
    """Challenger − incumbent, in the unit of the scores."""
    ci95: tuple[float, float]
    """Two-sided 95 % interval of the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """What the tests across seeds use of a recipe's scores."""

    mean: float
    variance: float
    """Sample variance (n − 1); 0 for one value."""
    n: int

    @property
    def std(self) -> float:
        """Sample standard deviation."""
        return math.sqrt(self.variance)


def finite(values: Sequence[float] | NDArray[Any], least: int, name: str) -> Floats:
    """Check values and return them as float64 [values].

    Raises:
        ValueError: there are fewer than `least`, they have more than one axis, or one is not finite.
    """
    x = np.asarray(values, np.float64)
    if x.ndim != 1:
        raise ValueError(f"{name}: expected a plain list of numbers, one for each seed or document")
    if x.size < least:
        raise ValueError(f"{name}: {x.size} given; at least {least} are needed")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}: all must be finite")
    return x


def finite_number(value: float, name: str) -> float:
    """Check that a number is finite, and return it.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(value):
        raise ValueError(f"{name} = {value}: must be finite")
    return float(value)


def moments(values: Sequence[float] | NDArray[Any], least: int = 2, name: str = "values") -> Moments:
    """Mean, sample variance and number of values, computed as offsets from the first value.

    So equal values have a variance of exactly 0, without any rounding.

    Args:
        values: scores [seeds].
        least: the fewest values that are accepted.
        name: for the error.

    Raises:
        ValueError: as `finite`, or the values are so far apart that their variance overflows.
    """
    # A few values, for thousands of entries: plain Python is ten times as fast as an array here.
    plain = isinstance(values, list) and set(map(type, values)) == {float}
    x = list(values) if plain else finite(values, least, name).tolist()
    if len(x) < least or not all(map(math.isfinite, x)):
        finite(values, least, name)
    offset = [value - x[0] for value in x]
    middle = sum(offset) / len(x)
    variance = sum([(value - middle) * (value - middle) for value in offset]) / (len(x) - 1) if len(x) > 1 else 0.0
    if math.sqrt(variance) <= ROUNDING * abs(x[0]):  # equal but for rounding
        variance = 0.0
    if not math.isfinite(variance):
        raise ValueError(f"{name}: from {min(x):g} to {max(x):g}; these cannot be scores of one recipe")
    return Moments(mean=float(x[0] + middle), variance=float(variance), n=len(x))


def welch_parts(
    mean_c: Any, variance_c: Any, n_c: Any, mean_i: Any, variance_i: Any, n_i: Any
) -> tuple[Floats, Floats, Floats]:
    """Difference, standard error and degrees of freedom of Welch's test, element by element.

        SE² = s²_c/n_c + s²_i/n_i,  df = SE⁴ / ((s²_c/n_c)²/(n_c − 1) + (s²_i/n_i)²/(n_i − 1))

    Sources: Welch 1947, Biometrika 34; Satterthwaite 1946, Biometrics Bulletin 2. Without any variance the formula is
    0/0; then the smaller side's degrees of freedom are the conservative limit.
    """
    share_c, share_i = np.asarray(variance_c) / n_c, np.asarray(variance_i) / n_i
    squared = share_c + share_i
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(squared > 0, share_c / squared, 0.5)
        df = 1 / (part**2 / (n_c - 1) + (1 - part) ** 2 / (n_i - 1))
    df = np.where(squared > 0, df, np.minimum(n_c, n_i) - 1)
    return np.asarray(mean_c - mean_i, np.float64), np.sqrt(squared), np.asarray(df, np.float64)


def p_values(gain: Any, error: Any, df: Any) -> tuple[Floats, Floats]:
    """t and one-sided p of gains with their standard errors, element by element; with an error of 0, the limit."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        t = np.asarray(gain, np.float64) / error
    t = np.where(np.isnan(t), 0.0, t)
    return t, np.where(np.isinf(t), np.where(t > 0, 0.0, 1.0), special.stdtr(df, -t))


def settled_gain(difference: Any, margin: Any, scale: Any) -> Floats:
    """−difference − margin, where a rounding of 0 counts as 0; `scale` is the size of the terms."""
    gain = -np.asarray(difference, np.float64) - margin
    return np.where(np.abs(gain) <= ROUNDING * np.asarray(scale), 0.0, gain)


def result(difference: float, error: float, df: float, *, margin: float = 0.0, scale: float = 0.0) -> TestResult:
    """Test a difference with its standard error; `scale` is the size of the numbers that it was computed from."""
    # Without an error the sign of the gain decides, so a rounding must not be taken for a gain.
    gain = settled_gain(difference, margin, scale) if error == 0.0 else -difference - margin
    t, p = p_values(gain, error, df)
    half = quantile(0.5 + CONFIDENCE / 2, df) * error
    return TestResult(
        statistic=float(t),
        df=float(df),
        p_value=float(p),
        difference=difference,
        ci95=(difference - half, difference + half),
    )


def quantile(probability: float, df: float) -> float:
    """Quantile of Student's t."""
    return float(special.stdtrit(df, probability))
