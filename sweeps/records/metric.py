"""Which metric of its logs scores a record: the one that its submission claims, not the lowest and not the last."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from jobs.logs import SCORE_STAGES, Log, Score, ScoreStage, agree, decimals
from sweeps.records.arithmetic import is_mean, mean

MOST_NAMES = 40
"""Most names of one stage that are tried; no training script prints as many final scores."""
LEAST_OWN_DIGITS = 3
"""Digits after the point from which a claim can agree with a score under a name of its own; most of those are other
quantities, and shorter claims would agree with them by chance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Metric:
    """A metric of logs: a stage of evaluation and, where that has several, the metric's name."""

    stage: ScoreStage
    name: str | None = None
    """None: whichever of the stage a seed's claim fits, else the last."""
    own: bool = False
    """Whether the logs give it under a name of its own (`Log.own_scores`)."""

    def scores_of(self, log: Log) -> list[Score]:
        """The scores of a log by this metric, in the order printed."""
        if self.own:
            return [log.own_scores[self.name]] if self.name is not None and self.name in log.own_scores else []
        return [score for score in log.of_stage(self.stage) if self.name in (None, score.name)]


def choose_metric(
    logs: Sequence[Log],
    headline: Decimal | None,
    seed_claims: Sequence[tuple[Log, Decimal]],
    list_scores: Callable[[Metric], Sequence[Decimal]],
) -> Metric | None:
    """Choose the metric that the claims agree with most often.

    Without any agreement it is one of the latest stage that scores at least half of the logs that have a score: of
    several metrics there, the one whose mean is nearest to the headline.

    Args:
        logs: all logs of a record.
        headline: the claimed score.
        seed_claims: log and claimed score of each seed that has both.
        list_scores: lists the scores of the seeds by a metric.

    Returns:
        The metric; None where no log gives a score.
    """

    def count(metric: Metric) -> int:
        if metric.own and headline is not None and decimals(headline) < LEAST_OWN_DIGITS:
            fits = headline in [score.bpb for log in logs for score in metric.scores_of(log)]
            return int(fits)
        claims = sum(any(agree(claimed, score.bpb) for score in metric.scores_of(log)) for log, claimed in seed_claims)
        if headline is None:
            return claims
        every = [score.bpb for log in logs for score in metric.scores_of(log)]
        counted = list_scores(metric)
        return claims + (any(agree(headline, bpb) for bpb in every) or (bool(counted) and is_mean(headline, counted)))

    votes = {metric: count(metric) for metric in _list_candidates(logs)}
    most = max(votes.values(), default=0)
    if most:
        return next(metric for metric in votes if votes[metric] == most)
    own = {metric: count(metric) for metric in _list_own(logs)}
    if any(own.values()):
        return max(own, key=lambda metric: own[metric])
    return _choose_unclaimed(logs, headline, votes, list_scores)


def _list_candidates(logs: Sequence[Log]) -> Iterator[Metric]:
    """Stages, latest first; each as a whole, then its metrics by name."""
    for stage in reversed(SCORE_STAGES[1:]):
        yield Metric(stage=stage)
        names = dict.fromkeys(score.name for log in logs for score in log.of_stage(stage))
        if len(names) > 1:
            yield from (Metric(stage=stage, name=name) for name in list(names)[-MOST_NAMES:])


def _list_own(logs: Sequence[Log]) -> Iterator[Metric]:
    names = dict.fromkeys(name for log in logs for name in log.own_scores)
    yield from (Metric(stage="adapted", name=name, own=True) for name in names)


def _choose_unclaimed(
    logs: Sequence[Log],
    headline: Decimal | None,
    candidates: Mapping[Metric, int],
    list_scores: Callable[[Metric], Sequence[Decimal]],
) -> Metric | None:
    scored = [log for log in logs if any(log.of_stage(stage) for stage in SCORE_STAGES[1:])]
    for whole in [metric for metric in candidates if metric.name is None]:
        if not scored or 2 * sum(bool(whole.scores_of(log)) for log in scored) < len(scored):
            continue
        named = {metric: list_scores(metric) for metric in candidates if metric.name and metric.stage == whole.stage}
        if headline is None or not any(named.values()):
            return whole
        known = {metric: abs(mean(scores) - headline) for metric, scores in named.items() if scores}
        return min(known, key=lambda metric: known[metric])
    return None
