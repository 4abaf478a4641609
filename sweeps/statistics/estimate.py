"""What every test here rests on: a difference, its standard error and degrees of freedom, and Student's t.

All scores are "lower is better". A difference is challenger − incumbent in the unit of the input, and a test asks
whether it is below −margin:

    t = (−difference − margin) / error,  p = P(T_df ≥ t)

The array forms (`welch_parts`, `p_values`) serve one pair of rows and a hundred thousand alike.
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
_ROUNDING = 16 * np.finfo(np.float64).eps
"""A difference below this share of its terms is what rounding leaves of nought."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """Outcome of a one-sided test that the challenger is lower by more than the margin."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    statistic: float
    """t, positive in favor of the challenger."""
    df: float
    p_value: float
    difference: float
    ci95: tuple[float, float]
    """Two-sided 95 % interval of the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """All that the tests across seeds see of a row's scores."""

    mean: float
    variance: float
    """Sample variance (n − 1); 0 for one value."""
    n: int

    @property
    def std(self) -> float:
        """Sample standard deviation."""
        return math.sqrt(self.variance)


def finite(values: Sequence[float] | NDArray[Any], least: int, name: str) -> Floats:
    """Values as a float array of one axis.

    Raises:
        ValueError: fewer than `least`, not a plain list of numbers, or one that is not finite.
    """
    x = np.asarray(values, np.float64)
    if x.ndim != 1:
        raise ValueError(f"{name}: expected a plain list of numbers, one a seed or document")
    if x.size < least:
        raise ValueError(f"{name}: {x.size} given, at least {least} are needed")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}: all must be finite")
    return x


def finite_number(value: float, name: str) -> float:
    """One finite number.

    Raises:
        ValueError: it is not.
    """
    if not math.isfinite(value):
        raise ValueError(f"{name} = {value}: must be finite")
    return float(value)


def moments(values: Sequence[float] | NDArray[Any], least: int = 2, name: str = "values") -> Moments:
    """Mean and sample variance, taken from the first value on: equal values have none, not what rounding leaves.

    Raises:
        ValueError: as `finite`, or the values are too far apart for their variance to be a number.
    """
    # A handful of values, for thousands of rows: plain Python is ten times as fast as an array here.
    plain = isinstance(values, list) and set(map(type, values)) == {float}
    x = list(values) if plain else finite(values, least, name).tolist()
    if len(x) < least or not all(map(math.isfinite, x)):
        finite(values, least, name)
    offset = [value - x[0] for value in x]
    middle = sum(offset) / len(x)
    variance = sum([(one - middle) * (one - middle) for one in offset]) / (len(x) - 1) if len(x) > 1 else 0.0
    if math.sqrt(variance) <= _ROUNDING * abs(x[0]):  # equal but for rounding
        variance = 0.0
    if not math.isfinite(variance):
        raise ValueError(f"{name}: from {min(x):g} to {max(x):g}; these are no scores of one recipe")
    return Moments(mean=float(x[0] + middle), variance=float(variance), n=len(x))


def welch_parts(
    mean_c: Any, variance_c: Any, n_c: Any, mean_i: Any, variance_i: Any, n_i: Any
) -> tuple[Floats, Floats, Floats]:
    """Difference, standard error and degrees of freedom of Welch's test, element by element.

        SE² = s²_c/n_c + s²_i/n_i,  df = SE⁴ / ((s²_c/n_c)²/(n_c − 1) + (s²_i/n_i)²/(n_i − 1))

    Source: Welch 1947, Biometrika 34; Satterthwaite 1946, Biometrics Bulletin 2. Without any variance the formula is
    0/0; the smaller arm's degrees of freedom are the cautious limit.
    """
    share_c, share_i = np.asarray(variance_c) / n_c, np.asarray(variance_i) / n_i
    squared = share_c + share_i
    with np.errstate(invalid="ignore", divide="ignore"):
        part = np.where(squared > 0, share_c / squared, 0.5)
        df = 1 / (part**2 / (n_c - 1) + (1 - part) ** 2 / (n_i - 1))
    df = np.where(squared > 0, df, np.minimum(n_c, n_i) - 1)
    return np.asarray(mean_c - mean_i, np.float64), np.sqrt(squared), np.asarray(df, np.float64)


def p_values(gain: Any, error: Any, df: Any) -> tuple[Floats, Floats]:
    """t and one-sided p of gains over their standard errors, element by element; without any error, the limit."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        t = np.asarray(gain, np.float64) / error
    t = np.where(np.isnan(t), 0.0, t)
    return t, np.where(np.isinf(t), np.where(t > 0, 0.0, 1.0), special.stdtr(df, -t))


def settled_gain(difference: Any, margin: Any, scale: Any) -> Floats:
    """−difference − margin, with what rounding leaves of nought taken for nought; `scale` is the terms' size."""
    gain = -np.asarray(difference, np.float64) - margin
    return np.where(np.abs(gain) <= _ROUNDING * np.asarray(scale), 0.0, gain)


def result(difference: float, error: float, df: float, *, margin: float = 0.0, scale: float = 0.0) -> TestResult:
    """The test of a difference with its standard error; `scale` is the size of the numbers that it came from."""
    # Where seeds differ, a gain of a rounding is as good as any other; where they do not, it decides.
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
