"""Lines with scores: those of the contest's forms, steps of training, and scores under names of their own."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from jobs.logs.log import Log, Score, ScoreStage
from jobs.logs.numbers import NUMBER, decimals, to_seconds
from jobs.logs.step_lines import Step, read_step, starts_step

MAX_SCORES, MAX_OWN_SCORES = 500, 200
"""More than any training script prints; a longer log keeps its last scores, and its first names of own scores."""
_ENDS = r"(?![\d._]|[eE][-+]?\d)"
"""The number ends here, though another process may have written its own line right behind it."""
_SCORE = re.compile(
    rf"^(?P<name>(?:[\w.+: -]|\(level=\d\d?\)){{1,80}}?)[ :]+val_(?:var_)?loss[:=] ?{NUMBER}\b"
    rf".{{0,40}}?val_(?:var_)?bpb[:=] ?{NUMBER}{_ENDS}(?P<rest>.*)$",
    re.ASCII,
)
_PREFIXED = re.compile(
    rf"^(?P<name>\w{{1,40}})_val_loss[:=] ?{NUMBER}\b.{{0,40}}?\b(?P=name)_val_bpb[:=] ?"
    rf"{NUMBER}{_ENDS}(?P<rest>.*)$",
    re.ASCII,
)
_ALONE = re.compile(
    rf"^(?P<name>(?:final_|legal_ttt|quantized)(?:[\w+-]|\(level=\d\d?\)){{0,60}}|FINAL)()[ :]+"
    rf"val_bpb[:=] ?{NUMBER}{_ENDS}(?P<rest>.*)$",
    re.ASCII,
)
_EVAL = re.compile(
    rf"^(?P<name>eval:\w{{1,40}})[ :]+(?:(?:val_)?loss[:=] ?{NUMBER}\b.{{0,40}}?)?\b(?:val_)?bpb[:=] ?"
    rf"{NUMBER}{_ENDS}(?P<rest>.*)$",
    re.ASCII,
)
_FORMS = (_SCORE, _PREFIXED, _ALONE, _EVAL)
_TIME = re.compile(rf"\b(?:eval_time|ttt_time|time|elapsed|t)[:=] ?{NUMBER}(ms|s)\b", re.ASCII)
_OWN_NAME = re.compile(r"^\W{0,2}([A-Za-z][\w.+-]{0,60})")
_OWN_SCORE = re.compile(rf"\b(\w{{0,40}}bpb(?:_\w{{1,20}})?)[:=] ?{NUMBER}(?![\w.])", re.ASCII)
_OTHER_RUNS = re.compile(r"baseline|sota\b|\btarget|\bprevious", re.IGNORECASE)
"""Names of scores of other runs."""
_TRAINING_LINE = re.compile(r"(?:eval |val |validation )?(?:step|iter|iteration|epoch)\b", re.IGNORECASE)


def stage_of(name: str) -> ScoreStage:
    """The stage that a metric's name indicates.

    The plain name `final_int8_zlib_roundtrip` was used for any stage, so a record's claim must decide between scores of
    that name.
    """
    name = name.lower()
    if re.search(r"post[_-]?quant", name) is None and re.search(r"pre[_ -]?quant|post[_-]ema|unquantized", name):
        return "trained"
    if re.search(
        r"two_?pass|pass_?2|rescor|ttt|adapt|ngram|n-gram|backoff|slot|etlb|ppm|cache|mixer|ogd|hedge|lora", name
    ):
        return "adapted"
    if re.search(r"slid|_sw\b|overlap", name):
        return "sliding"
    return "roundtrip"


def may_give_score(line: str) -> bool:
    """Whether a line may be a step of training or a score."""
    return "val_" in line or line.startswith(("step:", "stopping_early", "final_", "eval:")) or starts_step(line)


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """A line with a score in one of the contest's forms."""

    printed_name: str
    """As it stands there: "_exact" tells the line with all digits from its rounded copy."""
    value: Score
    of_training: bool
    """Whether it is a validation during training."""
    rest: str
    """What follows the score."""


@lru_cache(maxsize=16)  # several readers read the same line
def read_score(line: str, *, whole: bool) -> ScoreLine | None:
    """Read a score in one of the contest's forms; None where the line has none.

    Args:
        line: a line without its end.
        whole: whether the line ended; the last digits of a line that did not may be missing.
    """
    match = next((match for form in _FORMS if (match := form.match(line))), None)
    if match is None:
        return None
    loss, bpb = Decimal(match[2]) if match[2] else None, Decimal(match[3])
    if bpb == 0:
        return None  # printed instead of a missing score
    if not whole and not match["rest"] and decimals(bpb) < (8 if loss is None else decimals(loss)):
        return None  # the log ends within this number
    printed = re.sub(r" stride\b.*", "", " ".join(match["name"].strip(" :").split()))
    # "final_sliding_window_eval_exact stride:64" and its rounded copy are one metric.
    name = re.sub(r"_exact\b", "", printed)
    of_training = _TRAINING_LINE.match(printed) is not None
    if _OTHER_RUNS.search(printed) and not of_training:
        return None
    time = _TIME.search(match["rest"])
    seconds = to_seconds(time[1], time[2]) if time else None
    score = Score(name=name, stage=_stage(name, match["rest"]), loss=loss, bpb=bpb, seconds=seconds or None)
    return ScoreLine(printed, score, of_training, match["rest"])


def read_progress(log: Log, line: str, *, whole: bool) -> None:
    """Read a step of training, or a score in one of the contest's forms.

    Args:
        log: what is known so far.
        line: a line without its end.
        whole: whether the line ended; the last digits of a line that did not may be missing.
    """
    if step := read_step(line):
        _take_step(log, step, line)
        return
    score = read_score(line, whole=whole)
    if score is None:
        return
    if score.of_training:
        log.validation = score.value.bpb
        return
    log.scores.append(score.value)
    if (dropped := len(log.scores) - MAX_SCORES) > 0:
        del log.scores[:dropped]
        log.scores_dropped += dropped


def _take_step(log: Log, step: Step, line: str) -> None:
    log.runs += step.stops_early
    log.prints_loss_alone |= "bpb" not in line and step.val_loss is not None
    if step.number is not None:
        log.steps = step.number
    if step.seconds is not None:
        log.train_seconds = step.seconds
    if step.val_bpb is not None:
        log.validation = step.val_bpb


def read_own_scores(log: Log, line: str, *, whole: bool) -> None:
    """Read scores under names of their own, which no form above has: bits per byte in any field of a line.

    Most are progress or other quantities, so one counts only where a submission claims it.
    """
    if "bpb" not in line:
        return
    fields = _OWN_SCORE.findall(line)
    log.prints_bpb |= bool(fields)
    name = _OWN_NAME.match(line)
    if name is None or not fields or not whole or starts_step(line) or _TRAINING_LINE.match(name[1]):
        return
    known = any(form.match(line) for form in _FORMS)
    for own, number in fields:
        metric = f"{name[1].removesuffix('_exact').rstrip('.:')} {own}"
        if (known and "val_" in own) or _OTHER_RUNS.search(metric) or Decimal(number) == 0:
            continue
        if metric in log.own_scores or len(log.own_scores) < MAX_OWN_SCORES:
            time = _TIME.search(line)
            seconds = to_seconds(time[1], time[2]) if time else None
            log.own_scores[metric] = Score(
                name=metric, stage="adapted", loss=None, bpb=Decimal(number), seconds=seconds
            )


def _stage(name: str, rest: str) -> ScoreStage:
    stage = stage_of(name)
    return "adapted" if stage == "roundtrip" and re.search(r"eval_mode:\w*ttt", rest) else stage
