"""Claimed scores and losses, compared with the logs."""

from collections.abc import Iterator
from decimal import Decimal

from jobs.logs import SCORE_STAGES, agree, decimals
from sweeps.records.arithmetic import format_decimal, is_mean, mean
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record

SAME_MEAN = Decimal("0.000005")
"""Bits per byte by which a headline may differ from the mean of its seeds: a few of the last digits that logs print."""


def check_scores(record: Record) -> CheckResults:
    """Find logs without a score, scores by other protocols, and claimed scores or losses that differ from the logs."""
    claims = record.claims
    for run in record.runs:
        if record.line_of(run) is None:
            last = f"; last validation in training {run.log.validation}" if run.log.validation is not None else ""
            yield "no-final-score", f"{run.path}: no line gives its final score{last}"
    yield from _list_other_protocols(record)
    for seed, claimed in claims.scores.items():
        measured = record.scores.get(seed)
        if record.runs and measured is not None and not agree(claimed, measured):
            yield "seed-differs", f"seed {seed}: claimed {claimed}, its log says {measured}"
    for claimed in claims.unnamed if record.measured else ():
        if not any(agree(claimed, measured) for measured in record.measured):
            yield "seed-differs", f"a score of {claimed} is claimed, no log that counts gives it"
    yield from _check_headline(record)
    yield from _check_losses(record)


def _list_other_protocols(record: Record) -> CheckResults:
    """Scores of later stages, and lower ones by other metrics of the same stage, which do not count."""
    if record.metric is None:
        return
    stage = record.metric.stage
    for run in record.runs:
        counted = record.line_of(run)
        lower = [
            score
            for score in run.log.of_stage(stage)
            if counted and score.name != counted.name and score.bpb < counted.bpb and not agree(score.bpb, counted.bpb)
        ]
        later = [run.log.of_stage(later)[-1:] for later in SCORE_STAGES[SCORE_STAGES.index(stage) + 1 :]]
        for other in [*lower[-1:], *(score for scores in later for score in scores)]:
            yield "other-protocol", f"{run.path} also gives {other.name} {other.bpb}, by another protocol"


def _check_losses(record: Record) -> CheckResults:
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
        yield "loss-is-bpb", f"val_loss {claims.loss} is bits per byte (mean {_show_mean(record)}), not nats per token"
    elif claims.loss is not None and record.measured:
        losses = record.losses
        if losses and not (is_mean(claims.loss, losses) or any(agree(claims.loss, loss) for loss in losses)):
            yield "loss-differs", f"val_loss {claims.loss}, the logs' mean is {format_decimal(mean(losses), 8)}"


def _check_headline(record: Record) -> CheckResults:
    headline, scores = record.claims.headline, record.known
    if headline is None:
        if record.folder.submission is not None:
            yield "no-headline", "submission.json gives no val_bpb"
        return
    if _is_headline(record, headline) or not (scores or record.runs):
        return
    if any(agree(headline, early) for early in _list_early_scores(record)):
        final = f"the final mean is {_show_mean(record)}" if scores else "no log gives a final score"
        yield "pre-quant", f"headline {headline} is a score before quantization; {final}"
        return
    if not scores:
        yield "mean-differs", f"headline {headline}, no log gives it as a final score"
        return
    if scores and abs(headline - mean(scores)) <= SAME_MEAN:
        yield "mean-digits", f"headline {headline}, the mean is {_show_mean(record)}: only their last digits differ"
        return
    best, whose = min(scores), "the logs' mean" if record.runs else "the mean of its seeds"
    if len(scores) > 1 and agree(headline, best):
        yield "best-seed", f"headline {headline} is the best of {len(scores)} seeds, their mean is {_show_mean(record)}"
    elif len(scores) > 1 and any(agree(headline, score) for score in scores):
        yield "one-seed", f"headline {headline} is one of {len(scores)} seeds, their mean is {_show_mean(record)}"
    else:
        other = next(_list_other_means(record, headline), None)
        measured = f"{whose} is {_show_mean(record)} over {len(scores)} seeds"
        if other is not None and headline > mean(scores) and _supports_seeds(record):
            lines = [line.name for run in record.runs if (line := record.line_of(run)) is not None]
            detail = f"headline {headline} is the mean of {other}; its seeds claim {lines[0]}, and {measured}"
            yield "headline-metric", detail
            return
        known = "" if other is None else f"; it is the mean of {other}"
        yield "mean-differs", f"headline {headline}, {measured}{known}"


def _is_headline(record: Record, headline: Decimal) -> bool:
    """Whether a headline is the mean of the logs' scores, or of the claimed ones that agree with them."""
    known = {seed: score for seed, score in record.scores.items() if score is not None}
    claimed = [record.claims.scores.get(seed) for seed in known]
    pairs = zip(claimed, known.values(), strict=True)
    given = [claim for claim, score in pairs if claim is not None and agree(claim, score)]
    return bool(known) and (
        is_mean(headline, list(known.values())) or (len(given) == len(known) and is_mean(headline, given))
    )


def _supports_seeds(record: Record) -> bool:
    """Whether each seed's score is claimed, and is what its log says."""
    claims = record.claims.scores
    return bool(record.known) and all(
        measured is not None and (claimed := claims.get(seed)) is not None and agree(claimed, measured)
        for seed, measured in record.scores.items()
    )


def _list_other_means(record: Record, headline: Decimal) -> Iterator[str]:
    """Metrics of other stages of which the headline is the mean."""
    for stage in SCORE_STAGES:
        scores = [run.log.of_stage(stage)[-1] for run in record.counted.values() if run.log.of_stage(stage)]
        if stage != record.stage and scores and is_mean(headline, [score.bpb for score in scores]):
            yield scores[0].name


def _list_early_scores(record: Record) -> list[Decimal]:
    """Scores of the weights as trained: of each log, and their mean."""
    groups = [
        [run.log.validation for run in record.runs if run.log.validation is not None],
        [score.bpb for run in record.runs for score in run.log.of_stage("trained")],
    ]
    return [score for group in groups if group for score in [*group, mean(group)]]


def _is_bpb(record: Record, loss: Decimal) -> bool:
    """Whether a claimed loss repeats the score, and is no loss that a log prints."""
    losses = record.losses
    if losses and any(agree(loss, printed) for printed in [*losses, mean(losses)]):
        return False
    unit = Decimal(1).scaleb(-decimals(loss))  # the mean of rounded scores may differ in the last digit
    return any(abs(loss - score) <= unit for score in [mean(record.known), *record.known])


def _show_mean(record: Record) -> str:
    scores = record.known
    return format_decimal(mean(scores), max(decimals(score) for score in scores))
