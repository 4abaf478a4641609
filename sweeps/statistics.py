"""Tests and intervals for a handful of seeds and many documents.

All scores are "lower is better", and a difference is challenger − incumbent in the unit of the input. Across seeds the
documents are fixed and the seeds are the only random factor; between two evaluations of the same artifacts documents
are paired. Three seeds carry no rank test and no percentile bootstrap (a permutation test of 3 against 3 cannot go
below p = 0.05), so everything here rests on Student's t.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from golf.score import LN2

CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True, slots=True)
class TestResult:
    """Outcome of a one-sided test that the challenger is lower by more than the margin."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    statistic: float
    """t, positive in favour of the challenger."""
    df: float
    p_value: float
    difference: float
    ci95: tuple[float, float]
    """Two-sided 95 % interval of the difference."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """A few values in short."""

    n: int
    mean: float
    std: float | None
    """Sample standard deviation (n − 1); None for one value."""
    ci95: tuple[float, float] | None
    """95 % t interval of the mean; None for one value."""


def summary(values: Sequence[float]) -> Summary:
    """Mean, sample standard deviation and t interval, mean ± t(n − 1)·s/√n."""
    x = _finite(values, 1, "values")
    if x.size == 1:
        return Summary(n=1, mean=float(x[0]), std=None, ci95=None)
    mean, std = float(x.mean()), float(x.std(ddof=1))
    half = _t_quantile(x.size - 1) * std / math.sqrt(x.size)
    return Summary(n=x.size, mean=mean, std=std, ci95=(mean - half, mean + half))


def welch_test(challenger: Sequence[float], incumbent: Sequence[float], margin: float = 0.0) -> TestResult:
    """Welch's t test across seeds: is the challenger's mean lower than the incumbent's by more than the margin?

        t = (x̄_i − δ − x̄_c) / √(s²_c/n_c + s²_i/n_i),  df by Welch–Satterthwaite (Welch 1947, Biometrika 34)

    Args:
        challenger: one score a seed, at least two.
        incumbent: likewise.
        margin: δ, in the scores' unit.

    Raises:
        ValueError: fewer than two values in an arm, or one that is not finite.
    """
    c, i = _finite(challenger, 2, "challenger"), _finite(incumbent, 2, "incumbent")
    difference = float(c.mean() - i.mean())
    share_c, share_i = float(c.var(ddof=1)) / c.size, float(i.var(ddof=1)) / i.size
    total = share_c + share_i
    # Without any variance the formula is 0/0; the smaller arm's degrees of freedom are the cautious limit.
    df = total**2 / (share_c**2 / (c.size - 1) + share_i**2 / (i.size - 1)) if total**2 > 0 else min(c.size, i.size) - 1
    return _result(difference, math.sqrt(total), df, margin)


def one_sample_test(values: Sequence[float], target: float) -> TestResult:
    """Student's t test of seeds against a number that is taken as exact: t = (target − x̄) / (s/√n), df = n − 1.

    A published mean has noise of its own, which this leaves out; put the margin into the target.

    Raises:
        ValueError: fewer than two values, or one that is not finite.
    """
    x = _finite(values, 2, "values")
    if not math.isfinite(target):
        raise ValueError(f"target = {target}: must be finite")
    return _result(float(x.mean()) - target, float(x.std(ddof=1)) / math.sqrt(x.size), x.size - 1, 0.0)


def published_test(values: Sequence[float], mean: float, std: float, n: int, margin: float = 0.0) -> TestResult:
    """Welch's test against a record of which mean, sample standard deviation and number of seeds are published.

    Raises:
        ValueError: fewer than two values on a side, or one that is not finite.
    """
    if n < 2 or std < 0:
        raise ValueError(f"n = {n}, std = {std}: a published record needs at least 2 seeds and a deviation")
    # Two-point-like samples of that mean and deviation: Welch's formula sees nothing else of them.
    half = std * math.sqrt((n - 1) / 2)
    return welch_test(values, [mean - half, mean + half, *[mean] * (n - 2)], margin)


def paired_test(challenger_scores: pd.DataFrame, incumbent_scores: pd.DataFrame) -> TestResult:
    """Test two evaluations of the same documents, document by document, on the difference in total bits per byte.

        D = Σ d_k / B,  d_k = (a_k − b_k)/ln 2,  B = Σ bytes_k
        SE² = n/(n − 1) · Σ (d_k − D·bytes_k)² / B²          (linearised ratio, clustered by document)

    so that a long document weighs as it does in the score; df = n − 1. Source: Miller 2024, arXiv 2411.00640, for the
    pairing and clustering; Cochran, Sampling Techniques, 6.3, for the ratio. Documents alone carry no claim about ways
    of training: with three seeds such a test is wrong 15 times in 100 at a nominal 1 %.

    Args:
        challenger_scores: a row a document: document, nll (nats), tokens, bytes.
        incumbent_scores: the same documents.

    Raises:
        ValueError: other documents, tokens or bytes, fewer than two documents, or a loss that is not finite.
    """
    a, b = (table.sort_values("document", ignore_index=True) for table in (challenger_scores, incumbent_scores))
    for column in ("document", "tokens", "bytes"):
        if len(a) != len(b) or not a[column].equals(b[column]):
            raise ValueError(f"the two evaluations differ in their {column}s; a paired test needs the same documents")
    num_bytes = a["bytes"].to_numpy(np.float64)
    d = _finite(((a["nll"] - b["nll"]) / LN2).to_numpy(np.float64), 2, "documents")
    total = float(num_bytes.sum())
    difference = float(d.sum()) / total
    residual = d - difference * num_bytes
    error = math.sqrt(d.size / (d.size - 1) * float(residual @ residual)) / total
    return _result(difference, error, d.size - 1, 0.0)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, which keeps the chance of any false claim (Holm 1979, Scand. J. Stat. 6)."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    adjusted = [0.0] * len(p_values)
    worst = 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = worst
    return adjusted


def _result(difference: float, error: float, df: float, margin: float) -> TestResult:
    """The test from a difference and its standard error; without any error, the limit."""
    gain = -difference - margin
    if error == 0.0:
        statistic = math.copysign(math.inf, gain) if gain else 0.0
        p_value = 0.5 if not gain else float(gain < 0)
        return TestResult(statistic=statistic, df=df, p_value=p_value, difference=difference, ci95=(difference,) * 2)
    half = _t_quantile(df) * error
    return TestResult(
        statistic=gain / error,
        df=df,
        p_value=float(stats.t.sf(gain / error, df)),
        difference=difference,
        ci95=(difference - half, difference + half),
    )


def _t_quantile(df: float) -> float:
    return float(stats.t.ppf(0.5 + CONFIDENCE / 2, df))


def _finite(values: Sequence[float] | NDArray[np.float64], least: int, name: str) -> NDArray[np.float64]:
    x = np.asarray(values, np.float64)
    if x.ndim != 1 or x.size < least:
        raise ValueError(f"{name}: {x.size} given, at least {least} are needed")
    if not np.isfinite(x).all():
        raise ValueError(f"{name}: all must be finite")
    return x
