"""Claimed deviations, p-values and t, compared with those of the record's scores."""

import math
from collections.abc import Sequence
from decimal import Decimal

from jobs.logs import decimals
from sweeps.board.margin_rules import MARGIN_RULES, written_margin_text
from sweeps.records.arithmetic import compute_deviations
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record
from sweeps.statistics import TestResult, one_sample_test

ROUNDING = 1.05
"""Factor by which rounded scores may raise a p-value above the claimed one."""
ORDER = 10
""""Much less than" means at least an order of magnitude."""
SAME_DEVIATION = 0.001
"""Share by which a deviation may be off as a matter of its digits."""
SAME_T = 0.01
"""Share by which rounded scores may change t."""


def run_baseline_test(record: Record, margin: float) -> TestResult | None:
    """One-sample test of the measured seeds against the claimed baseline, which is taken as exact.

    Args:
        record: what is tested.
        margin: in bits per byte.

    Returns:
        The test; None without a claimed baseline or with fewer than two seeds.
    """
    baseline, scores = record.claims.baseline, [float(score) for score in record.measured]
    return None if baseline is None or len(scores) < 2 else one_sample_test(scores, float(baseline) - margin)


def check_significance(record: Record) -> CheckResults:
    """Find a claimed deviation, p or t that the scores do not give."""
    claims = record.claims
    if claims.std is not None and len(record.known) > 1 and claims.count in (None, len(record.known)):
        yield from _check_std(record.known, claims.std)
    if claims.p_value is not None:
        yield from _check_p(record, *claims.p_value)
    if claims.t_statistic is not None:
        yield from _check_t(record, claims.t_statistic)


def _check_std(scores: Sequence[Decimal], claimed: Decimal) -> CheckResults:
    sample, population = compute_deviations([float(score) for score in scores])
    # Rounding moves a deviation by no more than it can move the vector of scores, over √(n − 1).
    rounding = 0.5 * 10.0 ** -min(map(decimals, scores)) * math.sqrt(len(scores) / (len(scores) - 1))
    digits = 0.5 * 10.0 ** -decimals(claimed)
    off, off_population = abs(float(claimed) - sample), abs(float(claimed) - population)
    if off <= digits or (off <= digits + rounding and off <= off_population):
        return
    if off_population < off and off_population <= digits + max(rounding, SAME_DEVIATION * population):
        yield "population-std", f"std {claimed} divides by n; the sample's is {sample:.6f} (n − 1)"
    elif off <= digits + SAME_DEVIATION * sample:
        yield "std-digits", f"std {claimed}; the scores give {sample:.8f} (n − 1): only the last digits differ"
    elif off > digits + rounding:
        yield "std-differs", f"std {claimed}; the scores give {sample:.6f} (n − 1), {population:.6f} (n)"


def _check_p(record: Record, relation: str, value: Decimal) -> CheckResults:
    claim, n, margin = f"p {relation} {value}", len(record.measured), _read_margin_as_bpb()
    if n < 2:
        yield "unsupported-p", f"{claim}: the logs give {n} seed{'' if n == 1 else 's'}, a test needs two"
        return
    plain, with_margin = run_baseline_test(record, 0.0), run_baseline_test(record, margin)
    if plain is None or with_margin is None:
        yield "unsupported-p", f"{claim}: the record names no baseline score to test against"
        return
    if plain.p_value > ROUNDING * float(value) / (ORDER if relation == "≪" else 1):
        yield (
            "unsupported-p",
            f"{claim}: {n} seeds against {record.claims.baseline} give one-sided p = {plain.p_value:.4f} (one-sample, "
            f"df {n - 1}); with a margin of {margin:g} bits per byte p = {with_margin.p_value:.4f}",
        )


def _check_t(record: Record, value: Decimal) -> CheckResults:
    plain, with_margin = run_baseline_test(record, 0.0), run_baseline_test(record, _read_margin_as_bpb())
    if plain is None or with_margin is None or _is_statistic(value, plain):
        return
    if _is_statistic(value, with_margin):
        yield (
            "margin-as-bpb",
            f"t = {value} takes the margin of {written_margin_text()} as bits per byte and {record.claims.baseline} as "
            f"exact; one-sample, df {with_margin.df:g}, one-sided p = {with_margin.p_value:.4f}",
        )
    else:
        yield "t-differs", f"t = {value}; one-sample against {record.claims.baseline} t = {plain.statistic:.2f}"


def _read_margin_as_bpb() -> float:
    """The written rule's margin in the wrong unit: nats per token read as bits per byte, as PR 611 did."""
    return MARGIN_RULES["written_rule"].margin_nats


def _is_statistic(value: Decimal, test: TestResult) -> bool:
    """Whether a printed t is this one, up to the rounding of scores."""
    return abs(abs(float(value)) - abs(test.statistic)) <= SAME_T * abs(test.statistic)
