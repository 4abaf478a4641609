"""Lines with scores: those of the contest's forms, steps of training, and scores under names of their own."""

import re
from decimal import Decimal

from jobs.logs.log import Log, Score, ScoreStage
from jobs.logs.numbers import NUMBER, decimals, to_seconds

MAX_SCORES, MAX_OWN_SCORES = 500, 200
"""More than any training script prints; a longer log keeps its last scores, and its first names of own scores."""
_SCORE = re.compile(
    rf"^(?P<name>[\w.+: -]{{1,80}}?)[ :]+val_(?:var_)?loss[:=] ?{NUMBER}\b.{{0,40}}?val_(?:var_)?bpb[:=] ?"
    rf"{NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_PREFIXED = re.compile(
    rf"^(?P<name>\w{{1,40}})_val_loss[:=] ?{NUMBER}\b.{{0,40}}?\b(?P=name)_val_bpb[:=] ?"
    rf"{NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_ALONE = re.compile(
    rf"^(?P<name>(?:final_|legal_ttt|quantized)[\w+-]{{0,60}})()[ :]+val_bpb[:=] ?{NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_STEP = re.compile(r"^(?:step:)? ?(\d{1,9})/\d{1,9} ", re.ASCII)
_STOP_STEP = re.compile(r"\bstep: ?(\d{1,9})/\d", re.ASCII)
_TRAIN_TIME = re.compile(rf"\b(?:train_time|t): ?{NUMBER}(ms|s)\b", re.ASCII)
_TIME = re.compile(rf"\b(?:eval_time|ttt_time|time|elapsed|t)[:=] ?{NUMBER}(ms|s)\b", re.ASCII)
_OWN_NAME = re.compile(r"^\W{0,2}([A-Za-z][\w.+-]{0,60})")
_OWN_SCORE = re.compile(rf"\b(\w{{0,40}}bpb(?:_\w{{1,20}})?)[:=] ?{NUMBER}(?![\w.])", re.ASCII)
_LOSS_ALONE = re.compile(rf"\bval_(?:avg_|ema_)?loss[:=] ?{NUMBER}", re.ASCII)
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
    return "val_" in line or line.startswith(("step:", "stopping_early", "final_")) or _STEP.match(line) is not None


def read_progress(log: Log, line: str, *, whole: bool) -> None:
    """Read a step of training, or a score in one of the contest's forms.

    Args:
        log: what is known so far.
        line: a line without its end.
        whole: whether the line ended; the last digits of a line that did not may be missing.
    """
    if line.startswith("stopping_early"):
        log.runs += 1
    stop = _STOP_STEP.search(line) if line.startswith("stopping_early") else _STEP.match(line)
    if stop or line.startswith("stopping_early"):
        log.prints_loss_alone |= "bpb" not in line and _LOSS_ALONE.search(line) is not None
        if stop:
            log.steps = int(stop[1])
        if time := _TRAIN_TIME.search(line):
            log.train_seconds = to_seconds(time[1], time[2])
        if match := re.search(rf"val_bpb: ?{NUMBER}(?![\w.])", line):
            log.validation = Decimal(match[1])
        return
    match = _SCORE.match(line) or _PREFIXED.match(line) or _ALONE.match(line)
    if match is None:
        return
    loss, bpb = Decimal(match[2]) if match[2] else None, Decimal(match[3])
    if bpb == 0:
        return  # printed instead of a missing score
    if not whole and not match["rest"] and decimals(bpb) < (8 if loss is None else decimals(loss)):
        return  # the log ends within this number
    name = " ".join(match["name"].strip(" :").split())
    if _TRAINING_LINE.match(name):
        log.validation = bpb
        return
    # "final_sliding_window_eval_exact stride:64" and its rounded copy are one metric.
    if _OTHER_RUNS.search(name):
        return
    name = re.sub(r"_exact\b| stride\b.*", "", name)
    time = _TIME.search(match["rest"])
    seconds = to_seconds(time[1], time[2]) if time else None
    log.scores.append(Score(name=name, stage=_stage(name, match["rest"]), loss=loss, bpb=bpb, seconds=seconds or None))
    if (dropped := len(log.scores) - MAX_SCORES) > 0:
        del log.scores[:dropped]
        log.scores_dropped += dropped


def read_own_scores(log: Log, line: str, *, whole: bool) -> None:
    """Read scores under names of their own, which no form above has: bits per byte in any field of a line.

    Most are progress or other quantities, so one counts only where a submission claims it.
    """
    if "bpb" not in line:
        return
    fields = _OWN_SCORE.findall(line)
    log.prints_bpb |= bool(fields)
    name = _OWN_NAME.match(line)
    if name is None or not fields or not whole or _STEP.match(line) or _TRAINING_LINE.match(name[1]):
        return
    known = any(form.match(line) for form in (_SCORE, _PREFIXED, _ALONE))
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
