"""Whether legal adaptation can explain a score: leaks that the logs name, and gains that no legal entry has shown.

Only what concerns the metric that counts is held against a record; that its logs print other, lower scores is a remark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from jobs.logs import Log, Practice, Score, ScoreStage
from sweeps.board.rules import IMPLAUSIBLE_GAIN, LIMIT_SECONDS
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record
from sweeps.records.runs import Run

ADAPTATION_GAIN = Decimal("0.013")
"""Bits per byte that test-time training gains at most in accepted records, from 1.0741 to 1.0613."""
WINDOWS_GAIN = Decimal("0.036")
"""Bits per byte that overlapping windows gain at most in public records (0.0354)."""
BEST_ACCEPTED = Decimal("1.05651")
"""The last record of the final leaderboard (PR 2135)."""
LEAST_PLAUSIBLE = Decimal("1.05")
"""Bits per byte that no training within the challenge's limits has reached legally; the last three records gained
0.0009 to 0.0011 each."""
TRAINING_TOLERANCE = 60.0
"""Seconds over the limit from which a training is one of unlimited compute, which may go lower."""
_TRAINING_ON_VALIDATION: tuple[Practice, ...] = ("training before quantization", "training before scoring")
_SLOT_DOUBT = "whether it leaves out those whose scores count, no log can show (C3)"
_SLOT = re.compile(r"(?:^|[^a-z])slot(?:[^a-z]|$)", re.IGNORECASE)
_TWO_PASS = re.compile(r"two_?pass|2pass|pass_?2|rescor", re.IGNORECASE)
_MIXTURE = re.compile(r"n-?gram|ppm|(?:^|[^a-z])mix|backoff|cache|knn", re.IGNORECASE)
_TRAINED_ON_VALIDATION = re.compile(r"ttt|slot", re.IGNORECASE)
"""Names of scores that no weights as trained give, though they call themselves scores before quantization."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Gain:
    """By how much a score is below one without adaptation, from the same log."""

    seed: str
    log: Log
    score: Score
    reference: Score | None
    """None where the log has no higher score without adaptation; the best accepted record stands in."""

    @property
    def bpb(self) -> Decimal:
        """Bits per byte."""
        return (self.reference.bpb if self.reference else BEST_ACCEPTED) - self.score.bpb


def check_leaks(record: Record) -> CheckResults:
    """Find protocols that break the conditions C2, C3 and C4."""
    counted = [(run, line) for seed, run in record.counted.items() if (line := record.score_of(seed))]
    gain = find_implausible_gain(record)
    yield from _check_closed_protocols(record)
    for practice in _TRAINING_ON_VALIDATION:
        for run, line in counted:
            evidence = run.log.practices.named(practice)
            if evidence and _prints_after(run.log, line, practice):
                epochs = run.log.practices.epochs.get(practice, 1)
                yield (
                    "C3",
                    f"{run.path}: {practice}: {epochs} epoch{'' if epochs == 1 else 's'} over the validation set "
                    f'before {line.name} is taken ("{evidence}")',
                )
                break
    epochs = _count_epochs(gain.log) if gain and not gain.log.epochs else 1
    if gain and epochs > 1 and _is_plain_training(gain.score):
        yield (
            "C3",
            f"trains {epochs} epochs on what it scores, and {gain.score.name} gains {gain.bpb:.4f} bits per byte: no "
            f"score that is taken before training gains more than {ADAPTATION_GAIN}",
        )
    for run, line in counted:
        if _counts_second_pass(run.log, line, gain):
            evidence = run.log.practices.named("second pass")
            shown = f' ("{evidence}")' if evidence else ""
            yield "C4", f"{run.path}: {line.name} comes from a second pass over tokens that were scored before{shown}"
            break


def check_gain(record: Record) -> CheckResults:
    """Find mixtures, SLOT, scores under names of their own, and scores that no legal adaptation can explain."""
    lines = [line for seed in record.counted if (line := record.score_of(seed))]
    if any(run.log.mixes for run in record.runs) or any(_MIXTURE.search(line.name) for line in lines):
        yield "mixture", "scores mix in counts of scored text; no log can show whether the mixture is normalized (C2)"
    elif record.metric and record.metric.own:
        yield "mixture", f"{record.metric.name} is no score of the model alone: a mixture, or another quantity"
    if record.metric and record.metric.own:
        yield "own-metric", f"the claim is {record.metric.name}, a score under a name of its own; {_show_usual(record)}"
    for line in lines:
        if _SLOT.search(line.name):
            yield "slot", f"{line.name}: SLOT fits a vector to tokens of the window that it scores; {_SLOT_DOUBT}"
            break
    if gain := find_implausible_gain(record):
        yield IMPLAUSIBLE_GAIN, _describe_gain(gain)
    elif not lines and (worst := _find_low_claim(record)):
        yield (
            IMPLAUSIBLE_GAIN,
            f"{worst} is claimed and no log gives it; the best accepted record is {BEST_ACCEPTED}, and no legal entry "
            f"within the limits is below {LEAST_PLAUSIBLE}",
        )


def find_implausible_gain(record: Record) -> Gain | None:
    """The largest gain of any seed that neither overlapping windows nor legal adaptation explain."""
    gains = [
        gain
        for seed, run in record.counted.items()
        if (line := record.score_of(seed)) and (gain := _measure_gain(seed, run, line))
    ]
    return max(gains, key=lambda gain: gain.bpb, default=None)


def _check_closed_protocols(record: Record) -> CheckResults:
    """The protocols of the closed entries, whose logs print their own names for them."""
    factors = sorted({run.log.factor for run in record.runs if run.log.factor not in (None, 1.0)}, key=str)
    epochs = max((run.log.epochs or 1 for run in record.runs), default=1)
    if record.claims.min_nll or any(run.log.min_nll for run in record.runs):
        yield "C4", f"keeps the lowest of {epochs if epochs > 1 else 'several'} scores of each document (min-NLL)"
    if epochs > 1:
        yield "C3", f"trains on each document for {epochs} epochs and scores it in them, after training on it"
    for factor in factors:
        yield "C2", f'the loss is scaled ("temp:{factor:g}"), so the probabilities do not sum to 1'


def _measure_gain(seed: str, run: Run, line: Score) -> Gain | None:
    """The gain of one seed over the score without adaptation that explains it best; None where that explains it."""
    references = list(_list_references(run.log, line))
    if references:
        reference = min(references, key=lambda score: score.bpb - _allow(score.stage))
        if line.bpb < reference.bpb - _allow(reference.stage):
            return Gain(seed=seed, log=run.log, score=line, reference=reference)
    if line.bpb >= LEAST_PLAUSIBLE or (run.log.train_seconds or 0) > LIMIT_SECONDS + TRAINING_TOLERANCE:
        return None
    return Gain(seed=seed, log=run.log, score=line, reference=None)


def _list_references(log: Log, line: Score) -> Iterator[Score]:
    """Scores without adaptation; where a log has none, and the metric is its own, other adapted ones stand in."""
    stages: tuple[ScoreStage, ...] = ("trained", "roundtrip", "sliding")
    sliding = {score.bpb for score in log.of_stage("sliding")}
    plain = [
        score
        for stage in stages
        for score in log.of_stage(stage)
        # Some scripts repeat the score of overlapping windows under the plain name.
        if (stage == "sliding" or score.bpb not in sliding)
        and score.name != line.name
        and score.bpb != line.bpb
        and not _TRAINED_ON_VALIDATION.search(score.name)
    ]
    adapted = [score for score in log.of_stage("adapted") if _is_plain_training(score) and score.bpb != line.bpb]
    yield from plain or (adapted if not _is_plain_training(line) else [])


def _allow(reference: ScoreStage) -> Decimal:
    """What overlapping windows and legal adaptation gain at most over a score of a stage."""
    windows = WINDOWS_GAIN if reference in ("trained", "roundtrip") else Decimal(0)
    return windows + ADAPTATION_GAIN


def _is_plain_training(score: Score) -> bool:
    """Whether a metric is test-time training and nothing else."""
    return score.stage == "adapted" and not any(pattern.search(score.name) for pattern in (_MIXTURE, _SLOT, _TWO_PASS))


def _counts_second_pass(log: Log, line: Score, gain: Gain | None) -> bool:
    if _TWO_PASS.search(line.name):
        return True
    named = log.practices.named("second pass") is not None
    return named and gain is not None and not _is_plain_training(line) and _prints_after(log, line, "second pass")


def _prints_after(log: Log, line: Score, practice: Practice) -> bool:
    """Whether a score can come from a practice; of scores under their own names only the last is known, so it can."""
    return line.name in log.own_scores or log.prints_after(line, practice)


def _describe_gain(gain: Gain) -> str:
    reference = gain.reference
    if reference:
        base = f"{reference.name} {reference.bpb}"
        stage = "sliding" if reference.stage in ("sliding", "adapted") else "roundtrip"
        windows = "" if stage == "sliding" else f", and overlapping windows {WINDOWS_GAIN}"
        limit = f"adaptation gains {ADAPTATION_GAIN} at most in legal entries{windows}"
    else:
        base = f"{BEST_ACCEPTED}, the best accepted record"
        limit = f"no legal entry within the limits is below {LEAST_PLAUSIBLE}"
    low = f"seed {gain.seed}: {gain.score.name} {gain.score.bpb} is {gain.bpb:.4f} bits per byte below {base}; {limit}"
    reasons = list(_list_reasons(gain))
    return f"{low}; {'; '.join(reasons) if reasons else 'nothing in the log explains it'}"


def _list_reasons(gain: Gain) -> Iterator[str]:
    """What the log names that such a gain is known to come from."""
    name, practices = gain.score.name, gain.log.practices
    if _SLOT.search(name) or practices.named("slot"):
        yield "SLOT is in use"
    if _TWO_PASS.search(name) or practices.named("second pass"):
        yield "a second pass over scored text is in use"
    yield from (f"{practice} is in use" for practice in _TRAINING_ON_VALIDATION if practices.named(practice))
    if gain.log.mixes or _MIXTURE.search(name):
        yield "counts of scored text are mixed in"
    if (epochs := _count_epochs(gain.log)) > 1:
        yield f"{epochs} epochs of test-time training"
    if gain.log.min_nll:
        yield "the lowest of several scores is kept"


def _count_epochs(log: Log) -> int:
    """Epochs of test-time training, on a document or a chunk of them."""
    setting = log.settings.get("ttt_epochs", "")
    return max(log.epochs or 1, log.practices.document_epochs, int(setting) if setting.isdecimal() else 1)


def _find_low_claim(record: Record) -> Decimal | None:
    claims = record.claims
    if (claims.train_seconds or 0) > LIMIT_SECONDS + TRAINING_TOLERANCE:
        return None
    return min((score for score in [*record.known, claims.headline] if score and score < LEAST_PLAUSIBLE), default=None)


def _show_usual(record: Record) -> str:
    """The last score of a usual form in the logs that count."""
    scores = [
        f"{run.log.scores[-1].name} {run.log.scores[-1].bpb}" for run in record.counted.values() if run.log.scores
    ]
    return f"its logs also give {', '.join(scores[:3])}" if scores else "its logs give no other final score"
