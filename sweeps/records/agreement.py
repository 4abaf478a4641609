"""Claims held against logs: the headline, scores and losses of seeds, deviations, p-values."""

import math
from collections.abc import Sequence
from decimal import Decimal

from jobs.logs import STAGES, agree, decimals
from sweeps.records import measures
from sweeps.records.measures import Findings
from sweeps.records.record import Record, is_mean, mean
from sweeps.statistics import TestResult, one_sample_test

AS_BPB = 0.005
"""The challenge's margin in the wrong unit: nats per token read as bits per byte, as PR 611 did."""
ROUNDING = 1.05
"""A p-value is held against the claimed one with so much room for rounded scores."""


def baseline_test(record: Record, margin: float) -> TestResult | None:
    """One-sample test of the measured seeds against the baseline that is claimed, which is taken as exact; None without
    a baseline or with fewer than two seeds. The margin is in bits per byte."""
    baseline, scores = record.claims.baseline, [float(score) for score in record.measured]
    return None if baseline is None or len(scores) < 2 else one_sample_test(scores, float(baseline) - margin)


def scores(record: Record) -> Findings:
    """What the logs score, or do not, against what is claimed of seeds, headline and loss."""
    claims = record.claims
    for run in record.runs:
        if run.score(record.stage, record.claimed_of(run.seed or "")) is None:
            last = f"; last validation in training {run.log.validation}" if run.log.validation is not None else ""
            yield "no-final-score", f"{run.path}: no line gives its final score{last}"
    later = STAGES[STAGES.index(record.stage) + 1 :] if record.stage else ()
    for run in record.runs:
        for stage in later:
            for other in run.log.of_stage(stage)[-1:]:
                yield "other-protocol", f"{run.path} also gives {other.name} {other.bpb}; not what is claimed"
    for seed, claimed in claims.scores.items():
        measured = record.scores.get(seed)
        if record.runs and measured is not None and not agree(claimed, measured):
            yield "seed-differs", f"seed {seed}: claimed {claimed}, its log says {measured}"
    for claimed in claims.unnamed if record.measured else ():
        if not any(agree(claimed, measured) for measured in record.measured):
            yield "seed-differs", f"a score of {claimed} is claimed, no log that counts gives it"
    yield from _headline(record)
    yield from _losses(record)


def _losses(record: Record) -> Findings:
    claims = record.claims
    for seed, claimed in claims.seed_losses.items():
        line = record.score_of(seed)
        if line is None or line.loss is None or agree(claimed, line.loss):
            continue
        if agree(claimed, line.bpb):
            yield "loss-is-bpb", f"seed {seed}: val_loss {claimed} is bits per byte, not nats per token"
        else:
            yield "loss-differs", f"seed {seed}: val_loss {claimed}, its log says {line.loss}"
    if claims.loss is not None and record.known and _is_bpb(record, claims.loss):
        yield "loss-is-bpb", f"val_loss {claims.loss} is bits per byte (mean {_shown(record)}), not nats per token"
    elif claims.loss is not None and record.measured:
        losses = record.losses
        if losses and not (is_mean(claims.loss, losses) or any(agree(claims.loss, loss) for loss in losses)):
            yield "loss-differs", f"val_loss {claims.loss}, the logs' mean is {measures.rounded(mean(losses), 8)}"


def _headline(record: Record) -> Findings:
    headline, scores = record.claims.headline, record.known
    if headline is None:
        if record.folder.submission is not None:
            yield "no-headline", "submission.json gives no val_bpb"
        return
    if (scores and is_mean(headline, scores)) or not (scores or record.runs):
        return
    if any(agree(headline, early) for early in _early(record)):
        final = f"the final mean is {_shown(record)}" if scores else "no log gives a final one"
        yield "pre-quant", f"headline {headline} is a score before quantization; {final}"
        return
    if not scores:
        yield "mean-differs", f"headline {headline}, no log gives it as a final score"
        return
    best, whose = min(scores), "the logs' mean" if record.runs else "the mean of the seeds that it gives"
    if len(scores) > 1 and agree(headline, best):
        yield "best-seed", f"headline {headline} is the best of {len(scores)} seeds, their mean is {_shown(record)}"
    elif len(scores) > 1 and any(agree(headline, score) for score in scores):
        yield "one-seed", f"headline {headline} is one of {len(scores)} seeds, their mean is {_shown(record)}"
    else:
        yield "mean-differs", f"headline {headline}, {whose} is {_shown(record)} over {len(scores)} seeds"


def _early(record: Record) -> list[Decimal]:
    """Scores of the weights as trained, one log or the mean of all."""
    found = [
        [run.log.validation for run in record.runs if run.log.validation is not None],
        [score.bpb for run in record.runs for score in run.log.of_stage("trained")],
    ]
    return [score for group in found if group for score in [*group, mean(group)]]


def _is_bpb(record: Record, loss: Decimal) -> bool:
    """Whether a loss is the score again, and not the loss that a log gives beside it."""
    losses = record.losses
    if losses and any(agree(loss, one) for one in [*losses, mean(losses)]):
        return False
    unit = Decimal(1).scaleb(-decimals(loss))  # means of rounded scores end a digit off
    return any(abs(loss - score) <= unit for score in [mean(record.known), *record.known])


def _shown(record: Record) -> str:
    scores = record.known
    return measures.rounded(mean(scores), max(decimals(score) for score in scores))


def statistics(record: Record) -> Findings:
    """Claimed deviation, p and t against those of the scores."""
    claims = record.claims
    if claims.std is not None and len(record.known) > 1 and claims.count in (None, len(record.known)):
        yield from _std_claim(record.known, claims.std)
    if claims.p_value is not None:
        yield from _p_claim(record, *claims.p_value)
    if claims.t_statistic is not None:
        yield from _t_claim(record, claims.t_statistic)


def _std_claim(scores: Sequence[Decimal], claimed: Decimal) -> Findings:
    sample, population = measures.deviations([float(score) for score in scores])
    # Rounding moves a deviation by no more than it can move the vector of scores, over √(n − 1).
    rounding = 0.5 * 10.0 ** -min(map(decimals, scores)) * math.sqrt(len(scores) / (len(scores) - 1))
    digits = 0.5 * 10.0 ** -decimals(claimed)
    off, off_population = abs(float(claimed) - sample), abs(float(claimed) - population)
    if off > digits >= off_population:
        yield "population-std", f"std {claimed} divides by n; the sample's is {sample:.6f} (n − 1)"
    elif off > digits + rounding:
        yield "std-differs", f"std {claimed}; the scores give {sample:.6f} (n − 1), {population:.6f} (n)"


def _p_claim(record: Record, relation: str, value: Decimal) -> Findings:
    claim = f"p {relation} {value}"
    n = len(record.measured)
    if n < 2:
        yield "unsupported-p", f"{claim}: the logs give {n} seed{'' if n == 1 else 's'}, a test needs two"
        return
    plain, with_margin = baseline_test(record, 0.0), baseline_test(record, AS_BPB)
    if plain is None or with_margin is None:
        yield "unsupported-p", f"{claim}: no baseline score is named that it could be tested against"
        return
    # "Much less" is an order of magnitude at least.
    if plain.p_value > ROUNDING * float(value) / (10 if relation == "≪" else 1):
        yield (
            "unsupported-p",
            f"{claim}: {n} seeds against {record.claims.baseline} give one-sided p = {plain.p_value:.4f} (one-sample, "
            f"df {n - 1}); with a margin of {AS_BPB} BPB p = {with_margin.p_value:.4f}",
        )


def _t_claim(record: Record, value: Decimal) -> Findings:
    plain, with_margin = baseline_test(record, 0.0), baseline_test(record, AS_BPB)
    if plain is None or with_margin is None or _is_statistic(value, plain):
        return
    if _is_statistic(value, with_margin):
        yield (
            "margin-as-bpb",
            f"t = {value} takes the margin of {AS_BPB} nats per token as bits per byte and {record.claims.baseline} as "
            f"exact; one-sample, df {with_margin.df:g}, one-sided p = {with_margin.p_value:.4f}",
        )
    else:
        yield "t-differs", f"t = {value}; one-sample against {record.claims.baseline} t = {plain.statistic:.2f}"


def _is_statistic(value: Decimal, test: TestResult) -> bool:
    """Whether a printed t is this one, up to what rounded scores do to it."""
    return abs(abs(float(value)) - abs(test.statistic)) <= 0.01 * abs(test.statistic)
