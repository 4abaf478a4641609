"""Public log lines: what the output of a contest entry's training script says of its run.

Every era of the challenge printed other lines. What they have in common is the grammar here:

    METRIC val_loss:1.98 val_bpb:1.18 …     a score; METRIC names how it was measured ("_exact" prints more digits)
    METRIC_val_loss:1.98 METRIC_val_bpb:1.18, final_METRIC val_bpb:1.18     the same in other scripts
    step:7/20000 … train_time:1234ms        a step of training ("7/20000 …" later; "stopping_early: …" the last)
    Serialized model CODEC: 123 bytes       the model as shipped; without CODEC its raw weights, which nobody ships
    Code size: 123 bytes                    the code; later twice, "(uncompressed)" and "(compressed)"
    Total submission size CODEC: 123 bytes  both; "budget:123/16000000" in another family of scripts
    seed:7, seed: 7, seed=7                 in a dump of settings

A prefix of epoch seconds ("1776142348.135 ") or a process ("[rank0]:") may stand before any line, colors in it, and a
carriage return, as progress bars print it, begins another. Lines are data, never trusted: whatever does
not fit is passed over, and numbers that are not finite or out of range are no numbers.
"""

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

Stage = Literal["trained", "roundtrip", "sliding", "adapted"]
"""What was scored, in the order of the work: the weights as trained, the quantized model window by window, the same in
overlapping windows, the model adapted at test time."""
STAGES: tuple[Stage, ...] = ("trained", "roundtrip", "sliding", "adapted")

MAX_SCORES, MAX_SEEDS = 500, 20
"""More than any training script prints; of a longer log the last scores and the first seeds are kept."""
_NUMBER = r"(\d{1,12}(?:\.\d{1,12})?)"
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^\[(?:default|rank)?\d{1,4}\]: ?")
"""Colours, and what torchrun puts before the lines of a process."""
_STAMP = re.compile(r"^\d{9,10}\.\d+ ")
_SCORE = re.compile(
    rf"^(?P<name>[\w.+: -]{{1,80}}?)[ :]+val_(?:var_)?loss[:=] ?{_NUMBER}\b.{{0,40}}?val_(?:var_)?bpb[:=] ?"
    rf"{_NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_PREFIXED = re.compile(
    rf"^(?P<name>\w{{1,40}})_val_loss[:=] ?{_NUMBER}\b.{{0,40}}?\b(?P=name)_val_bpb[:=] ?"
    rf"{_NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_ALONE = re.compile(
    rf"^(?P<name>(?:final_|legal_ttt|quantized)[\w+-]{{0,60}})()[ :]+val_bpb[:=] ?{_NUMBER}(?![\w.])(?P<rest>.*)$",
    re.ASCII,
)
_STEP = re.compile(r"^(?:step:)? ?(\d{1,9})/\d{1,9} ", re.ASCII)
_STOP_STEP = re.compile(r"\bstep: ?(\d{1,9})/\d", re.ASCII)
_TRAIN_TIME = re.compile(rf"\b(?:train_time|t): ?{_NUMBER}(ms|s)\b", re.ASCII)
_TIME = re.compile(rf"\b(?:eval_time|ttt_time|time|elapsed|t)[:=] ?{_NUMBER}(ms|s)\b", re.ASCII)
_BYTES = r"(\d{1,12}|\d{1,3}(?:,\d{3}){1,3})"
_MODEL = re.compile(rf"^Serialized model [^:]{{1,40}}: {_BYTES} bytes", re.ASCII)
_CODE = re.compile(rf"^Code size(?: \((uncompressed|compressed)\))?: {_BYTES} bytes", re.ASCII)
_TOTAL = re.compile(rf"^Total submission size([^:]{{0,40}}): {_BYTES} bytes", re.ASCII)
_BUDGET = re.compile(r"\bbudget:(\d{1,12})/\d{1,12}\b", re.ASCII)
_BUDGET_CODE = re.compile(r"^artifact:.* code:(\d{1,12})\b", re.ASCII)
_SEED = re.compile(
    r"(?:(?:^|[\s{(,]|--)[\"']?seed[\"']?\s?[:=]|--seed)\s?(\d{1,12})(?![\w.(])", re.ASCII | re.IGNORECASE
)
_SETTING = re.compile(r"(?:^|\s)([a-z][a-z0-9_]{2,40})[:=] ?(-?[\w.+]{1,40})(?=\s|$)", re.ASCII)
_TOKENS = re.compile(r"(?:^val_tokens: ?|^val_loader:.*\btokens:|^train_loader:.*\bval_tokens:)(\d{1,12})\b", re.ASCII)
_DOCUMENTS = re.compile(r"^(?:ttt_lora:docs|ttt_phased: total_docs):(\d{1,9})\b", re.ASCII)
_TOKENIZER = re.compile(r"\btokenizer_path[\"']?[:=] ?[\"']?([^\s\"',]{1,400})", re.ASCII)
_FRACTION = re.compile(r"\bval_doc_fraction[:=] ?([01](?:\.\d{1,9})?)(?![\w.])", re.ASCII)
_CLOCKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("eval.total", re.compile(rf"^total_eval_time: ?{_NUMBER}(s)\b", re.ASCII)),
    ("eval.compile", re.compile(rf"compile warmup done \({_NUMBER}(s)\)", re.ASCII)),
    (
        "eval.adapted_run",
        re.compile(rf"^ttt[\w:]*(?:completed|done)\b.{{0,200}}?(?:time|elapsed)[:=] ?{_NUMBER}(s)\b", re.ASCII),
    ),
    ("train.process", re.compile(rf"^phase:train wall_ms:{_NUMBER}()\b", re.ASCII)),
    ("serialize.process", re.compile(rf"^phase:serialize wall_ms:{_NUMBER}()\b", re.ASCII)),
    ("eval.process", re.compile(rf"^phase:ttt_eval wall_ms:{_NUMBER}()\b", re.ASCII)),
    ("process", re.compile(rf"^phase:TOTAL wall_ms:{_NUMBER}()\b", re.ASCII)),
    ("quantize.elapsed", re.compile(rf"^wallclock:post_gptq total_elapsed:{_NUMBER}(s)\b", re.ASCII)),
)
_OTHERS = re.compile(r"baseline|sota\b|\btarget|\bprevious", re.IGNORECASE)
"""Names of scores that are not the run's own."""
_MIXES = re.compile(
    r"^\s*(?:ngram_(?:cache|eval|mixer|tilt)\b|final_\w*ngram|PPM alpha|(?:\w+ )?context mixer)", re.IGNORECASE
)
_MIN_NLL = re.compile(r"min[_-]?nll\w{0,20}[:=] ?(?:1|true)\b", re.ASCII | re.IGNORECASE)
_TRAINING_LINE = re.compile(r"(?:eval |val |validation )?(?:step|iter|iteration|epoch)\b", re.IGNORECASE)
_CODE_MARKS = ("(", ";", "def ", "import ", "{", "}")
"""What a line of a listing has and a dump of settings does not."""
_DUMP = re.compile(r"^(?:[\w ]{1,40}: ?)?(?:\{.*\}|\w{0,40}(?:Namespace|Args|Config|Hyperparameters)\(.*\))\s*$")
"""Save for one that Python writes of an object or a table."""
CONFIG_KEYS = frozenset(
    (
        *(
            "model_params",
            "num_layers",
            "model_dim",
            "num_heads",
            "num_kv_heads",
            "mlp_mult",
            "vocab_size",
            "tokenizer",
        ),
        *("train_batch_tokens", "train_seq_len", "iterations", "warmup_steps", "max_wallclock_seconds", "world_size"),
        *("embed_lr", "matrix_lr", "scalar_lr", "tied_embed_lr", "muon_momentum", "muon_wd", "weight_decay"),
        *("warmdown_frac", "ema_decay", "qk_gain_init", "eval_seq_len", "eval_stride", "ttt_epochs", "ttt_lr"),
        *("ttt_lora_lr", "ttt_lora_rank", "ttt_chunk_size", "phased_ttt_prefix_docs"),
    )
)
"""Settings whose change makes two runs two recipes; the seed, paths and names are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One printed score."""

    name: str
    """The metric's name as printed, without "_exact"."""
    stage: Stage
    loss: Decimal | None
    """Nats per token, to the printed digits; None where the line gives none."""
    bpb: Decimal
    seconds: float | None
    """What the same line says that measuring it took."""


@dataclass(kw_only=True, slots=True)
class Log:
    """What a log says; what it does not say is None or empty."""

    digest: str = ""
    """SHA-256 of the file's bytes."""
    scores: list[Score] = field(default_factory=list)
    validation: Decimal | None = None
    """Last bits per byte of the weights while training."""
    seeds: list[int] = field(default_factory=list)
    """Every seed that a dump of settings prints, in order, each once."""
    steps: int | None = None
    train_seconds: float | None = None
    model_bytes: int | None = None
    code_bytes: int | None = None
    """As shipped."""
    raw_code_bytes: int | None = None
    total_bytes: int | None = None
    clocks: dict[str, float] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """Those of CONFIG_KEYS, as printed."""
    val_tokens: int | None = None
    documents: int | None = None
    document_fraction: float | None = None
    data: str | None = None
    """Name of the data set, as far as its path shows it."""
    tokenizer: str | None = None
    """Name of the tokenizer's file."""
    factor: float | None = None
    """Of a loss that is scaled before it is reported."""
    epochs: int | None = None
    """Of adaptation on a document that is scored after or in them."""
    min_nll: bool = False
    """Whether it says that the lowest of several scores of a document is kept."""
    mixes: bool = False
    """Whether its scores mix in counts of what was scored before: an n-gram cache, a context mixer."""
    runs: int = 0
    """Trainings that ended in it."""
    first_stamp: float | None = None
    last_stamp: float | None = None

    @property
    def is_log(self) -> bool:
        """Whether anything in it is the output of a training script."""
        return bool(self.scores or self.steps is not None or self.model_bytes or self.total_bytes)

    def of_stage(self, stage: Stage) -> list[Score]:
        """Scores of one stage, in the order printed; a rounded line and the exact one of its name are one score, and
        a name that comes back with another number is there twice."""
        found: list[Score] = []
        for score in self.scores:
            if score.stage != stage:
                continue
            same = (at for at, one in enumerate(found) if one.name == score.name and agree(one.bpb, score.bpb))
            twin = next(same, None)
            if twin is None:
                found.append(score)
            else:
                before = found[twin]
                finer = score if decimals(score.bpb) >= decimals(before.bpb) else before
                found[twin] = replace(finer, seconds=before.seconds if score.seconds is None else score.seconds)
        return found


def parse(lines: Iterable[bytes]) -> Log:
    """Read a log line by line, each already bounded in length; bytes that are no UTF-8 are replaced."""
    log = Log()
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        for shown in line.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
            _read(log, _TERMINAL.sub("", shown), whole=line.endswith((b"\n", b"\r")))
    log.digest = digest.hexdigest()
    _complete(log)
    return log


def stage_of(name: str) -> Stage:
    """What a metric's name says was scored.

    `sliding` counts as its own stage wherever it is named; the plain name `final_int8_zlib_roundtrip` was used for any
    of them, so a record's claim decides between equal scores, not this name.
    """
    name = name.lower()
    if re.search(r"post[_-]?quant", name) is None and re.search(r"pre[_ -]?quant|post[_-]ema|unquantized", name):
        return "trained"
    if re.search(r"ttt|adapt|ngram|n-gram|backoff|slot|etlb|ppm|cache|mixer|ogd|hedge|lora", name):
        return "adapted"
    if re.search(r"slid|_sw\b|overlap", name):
        return "sliding"
    return "roundtrip"


def _read(log: Log, line: str, *, whole: bool) -> None:
    if stamp := _STAMP.match(line):
        seconds = float(stamp.group())
        log.first_stamp = seconds if log.first_stamp is None else log.first_stamp
        log.last_stamp = seconds
        line = line[stamp.end() :]
    if "val_" in line or line.startswith(("step:", "stopping_early", "final_")) or _STEP.match(line):
        _read_progress(log, line, whole=whole)
    _read_sizes(log, line)
    log.mixes = log.mixes or _MIXES.match(line) is not None
    for name, pattern in _CLOCKS:
        if found := pattern.search(line):
            log.clocks[name] = float(found[1]) / (1 if found[2] == "s" else 1000)
    if _DUMP.match(line) or not any(mark in line for mark in _CODE_MARKS):
        _read_settings(log, line)


def _read_progress(log: Log, line: str, *, whole: bool) -> None:
    if line.startswith("stopping_early"):
        log.runs += 1
    stop = _STOP_STEP.search(line) if line.startswith("stopping_early") else _STEP.match(line)
    if stop or line.startswith("stopping_early"):
        if stop:
            log.steps = int(stop[1])
        if time := _TRAIN_TIME.search(line):
            log.train_seconds = _seconds(time[1], time[2])
        if found := re.search(rf"val_bpb: ?{_NUMBER}(?![\w.])", line):
            log.validation = Decimal(found[1])
        return
    found = _SCORE.match(line) or _PREFIXED.match(line) or _ALONE.match(line)
    if found is None:
        return
    loss, bpb = Decimal(found[2]) if found[2] else None, Decimal(found[3])
    if bpb == 0:
        return  # stands for a score that is not there
    if not whole and not found["rest"] and decimals(bpb) < (8 if loss is None else decimals(loss)):
        return  # the log was cut in the middle of this number
    name = " ".join(found["name"].strip(" :").split())
    if _TRAINING_LINE.match(name):
        log.validation = bpb
        return
    # "final_sliding_window_eval_exact stride:64" and its rounded twin are one metric.
    if _OTHERS.search(name):
        return
    name = re.sub(r"_exact\b| stride\b.*", "", name)
    time = _TIME.search(found["rest"])
    seconds = _seconds(time[1], time[2]) if time else None
    log.scores.append(Score(name=name, stage=_stage(name, found["rest"]), loss=loss, bpb=bpb, seconds=seconds or None))
    del log.scores[:-MAX_SCORES]


def _stage(name: str, rest: str) -> Stage:
    stage = stage_of(name)
    return "adapted" if stage == "roundtrip" and re.search(r"eval_mode:\w*ttt", rest) else stage


def _read_sizes(log: Log, line: str) -> None:
    if found := _MODEL.match(line):
        log.model_bytes = _bytes(found[1])
    elif found := _CODE.match(line):
        if found[1] == "compressed":
            log.code_bytes = _bytes(found[2])
        else:
            log.raw_code_bytes = _bytes(found[2])
    elif found := _TOTAL.match(line):
        # Without a codec it is raw weights and code, unless a compressed model was named before it.
        if found[1].strip() or log.model_bytes is not None:
            log.total_bytes = _bytes(found[2])
    elif found := _BUDGET.search(line):
        log.total_bytes = int(found[1])
    if found := _BUDGET_CODE.match(line):
        log.raw_code_bytes = int(found[1])


def _bytes(number: str) -> int:
    return int(number.replace(",", ""))


def _read_settings(log: Log, line: str) -> None:
    for found in _SEED.finditer(line):
        if (seed := int(found[1])) not in log.seeds:
            log.seeds.append(seed)
    if not log.seeds and " ws:" in line and (found_s := re.search(r" s:(\d{1,9})$", line)):
        log.seeds.append(int(found_s[1]))
    del log.seeds[MAX_SEEDS:]
    for name, value in _SETTING.findall(line):
        if name in CONFIG_KEYS and not line.startswith("step:"):
            log.settings.setdefault(name, value)
    if found_tokens := _TOKENS.search(line):
        log.val_tokens = int(found_tokens[1])
    if found_documents := _DOCUMENTS.match(line):
        log.documents = int(found_documents[1])
    if found_fraction := _FRACTION.search(line):
        log.document_fraction = float(found_fraction[1])
    if log.data is None and (found_data := re.search(r"fineweb10B_(\w{2,60})", line)):
        log.data = found_data[1]
    if log.tokenizer is None and (found_tokenizer := _TOKENIZER.search(line)):
        name = re.split(r"[/\\]", found_tokenizer[1])[-1]
        log.tokenizer = name if re.fullmatch(r"[\w.-]{1,80}", name, re.ASCII) else None
    if "ttt_rank:" in line:
        if found_factor := re.search(r" temp:(\d(?:\.\d{1,6})?)\b", line):
            log.factor = float(found_factor[1])
        if found_epochs := re.search(r" ep:(\d{1,4})\b", line):
            log.epochs = int(found_epochs[1])
    if _MIN_NLL.search(line):
        log.min_nll = True


def _complete(log: Log) -> None:
    """What follows from the rest: sizes that are sums, the code as shipped where only one is printed, clocks."""
    if log.code_bytes is None:
        log.code_bytes = log.raw_code_bytes
    if log.total_bytes is None and log.model_bytes is not None and log.code_bytes is not None:
        log.total_bytes = log.model_bytes + log.code_bytes
    if log.model_bytes is None and log.total_bytes is not None and log.code_bytes is not None:
        log.model_bytes = log.total_bytes - log.code_bytes
    if log.train_seconds is not None:
        log.clocks["train.train"] = log.train_seconds
    if log.first_stamp is not None and log.last_stamp is not None and log.last_stamp > log.first_stamp:
        log.clocks["log"] = round(log.last_stamp - log.first_stamp, 3)
    for score in log.scores:
        if score.seconds is not None:
            log.clocks[f"eval.{score.name}"] = score.seconds


def _seconds(number: str, unit: str) -> float | None:
    seconds = float(number) / (1 if unit == "s" else 1000)
    return seconds if math.isfinite(seconds) else None


def decimals(number: Decimal) -> int:
    """Digits after the point, as printed."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def agree(a: Decimal, b: Decimal) -> bool:
    """Whether two numbers are the same to the digits that the shorter one has: either way of rounding its last one."""
    return abs(a - b) <= Decimal(5).scaleb(-min(decimals(a), decimals(b)) - 1)
