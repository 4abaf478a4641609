"""Claimed scores and losses, compared with the logs."""

from decimal import Decimal

from jobs.logs import SCORE_STAGES, agree, decimals
from sweeps.records.arithmetic import format_decimal, is_mean, mean
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record


def check_scores(record: Record) -> CheckResults:
    """Find logs without a score, scores by other protocols, and claimed scores or losses that differ from the logs."""
    claims = record.claims
    for run in record.runs:
        if run.score(record.stage, record.claimed_of(run.seed or "")) is None:
            last = f"; last validation in training {run.log.validation}" if run.log.validation is not None else ""
            yield "no-final-score", f"{run.path}: no line gives its final score{last}"
    later = SCORE_STAGES[SCORE_STAGES.index(record.stage) + 1 :] if record.stage else ()
    for run in record.runs:
        for stage in later:
            for other in run.log.of_stage(stage)[-1:]:
                yield "other-protocol", f"{run.path} also gives {other.name} {other.bpb}, by another protocol"
    for seed, claimed in claims.scores.items():
        measured = record.scores.get(seed)
        if record.runs and measured is not None and not agree(claimed, measured):
            yield "seed-differs", f"seed {seed}: claimed {claimed}, its log says {measured}"
    for claimed in claims.unnamed if record.measured else ():
        if not any(agree(claimed, measured) for measured in record.measured):
            yield "seed-differs", f"a score of {claimed} is claimed, no log that counts gives it"
    yield from _check_headline(record)
    yield from _check_losses(record)


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
    if (scores and is_mean(headline, scores)) or not (scores or record.runs):
        return
    if any(agree(headline, early) for early in _list_early_scores(record)):
        final = f"the final mean is {_show_mean(record)}" if scores else "no log gives a final score"
        yield "pre-quant", f"headline {headline} is a score before quantization; {final}"
        return
    if not scores:
        yield "mean-differs", f"headline {headline}, no log gives it as a final score"
        return
    best, whose = min(scores), "the logs' mean" if record.runs else "the mean of its seeds"
    if len(scores) > 1 and agree(headline, best):
        yield "best-seed", f"headline {headline} is the best of {len(scores)} seeds, their mean is {_show_mean(record)}"
    elif len(scores) > 1 and any(agree(headline, score) for score in scores):
        yield "one-seed", f"headline {headline} is one of {len(scores)} seeds, their mean is {_show_mean(record)}"
    else:
        yield "mean-differs", f"headline {headline}, {whose} is {_show_mean(record)} over {len(scores)} seeds"


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
