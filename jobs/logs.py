"""Parse public logs: the lines that the training script of a contest entry prints about its run.

The format changed over the challenge. This grammar covers all versions:

    METRIC val_loss:1.98 val_bpb:1.18 …     a score; METRIC names how it was measured ("_exact" prints more digits)
    METRIC_val_loss:1.98 METRIC_val_bpb:1.18, final_METRIC val_bpb:1.18     the same in other scripts
    step:7/20000 … train_time:1234ms        a step of training (later "7/20000 …"; the last one "stopping_early: …")
    Serialized model CODEC: 123 bytes       the model as shipped; without CODEC the raw weights, which are not shipped
    Code size: 123 bytes                    the code; later twice, "(uncompressed)" and "(compressed)"
    Total submission size CODEC: 123 bytes  both; "budget:123/16000000" in other scripts
    seed:7, seed: 7, seed=7                 in a dump of settings

A line may start with epoch seconds ("1776142348.135 ") or a process ("[rank0]:") and contain colors. A carriage return,
which progress bars print, starts a new line. Lines are untrusted: those that do not match are ignored, and so are
numbers that are not finite or out of range.
"""

import hashlib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

ScoreStage = Literal["trained", "roundtrip", "sliding", "adapted"]
"""What a score measures, in order: the trained weights, the quantized model in separate windows, the same in
overlapping windows, the model with test-time training."""
SCORE_STAGES: tuple[ScoreStage, ...] = ("trained", "roundtrip", "sliding", "adapted")

MAX_SCORES, MAX_SEEDS = 500, 20
"""More than any training script prints; a longer log keeps its last scores and first seeds."""
_NUMBER = r"(\d{1,12}(?:\.\d{1,12})?)"
_TERMINAL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|^\[(?:default|rank)?\d{1,4}\]: ?")
"""Colors, and torchrun's prefix of a process."""
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
_OTHER_RUNS = re.compile(r"baseline|sota\b|\btarget|\bprevious", re.IGNORECASE)
"""Names of scores of other runs."""
_MIXES = re.compile(
    r"^\s*(?:ngram_(?:cache|eval|mixer|tilt)\b|final_\w*ngram|PPM alpha|(?:\w+ )?context mixer)", re.IGNORECASE
)
_MIN_NLL = re.compile(r"min[_-]?nll\w{0,20}[:=] ?(?:1|true)\b", re.ASCII | re.IGNORECASE)
_TRAINING_LINE = re.compile(r"(?:eval |val |validation )?(?:step|iter|iteration|epoch)\b", re.IGNORECASE)
_CODE_MARKS = ("(", ";", "def ", "import ", "{", "}")
"""Characters of a line of source code, which a dump of settings does not have."""
_DUMP = re.compile(r"^(?:[\w ]{1,40}: ?)?(?:\{.*\}|\w{0,40}(?:Namespace|Args|Config|Hyperparameters)\(.*\))\s*$")
"""A dump of settings as Python prints an object or a dictionary, which may have those characters."""
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
"""Settings that belong to the recipe; seed, paths and names do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One printed score."""

    name: str
    """Name of the metric as printed, without "_exact"."""
    stage: ScoreStage
    loss: Decimal | None
    """Nats per token, with the printed digits; None if the line has none."""
    bpb: Decimal
    seconds: float | None
    """Time of the measurement, if the same line has it."""


@dataclass(kw_only=True, slots=True)
class Log:
    """The contents of a log; None or empty for what it does not have."""

    digest: str = ""
    """SHA-256 of the file's bytes."""
    scores: list[Score] = field(default_factory=list)
    validation: Decimal | None = None
    """Last bits per byte during training."""
    seeds: list[int] = field(default_factory=list)
    """Seeds in dumps of settings, in order, without repetitions."""
    steps: int | None = None
    train_seconds: float | None = None
    model_bytes: int | None = None
    code_bytes: int | None = None
    """Code as shipped."""
    raw_code_bytes: int | None = None
    total_bytes: int | None = None
    clocks: dict[str, float] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """Settings of CONFIG_KEYS, as printed."""
    val_tokens: int | None = None
    documents: int | None = None
    document_fraction: float | None = None
    data: str | None = None
    """Name of the data set, from its path."""
    tokenizer: str | None = None
    """File name of the tokenizer."""
    factor: float | None = None
    """Factor on the reported loss."""
    epochs: int | None = None
    """Epochs of test-time training on a document that is scored during or after them."""
    min_nll: bool = False
    """Whether the lowest of several scores of a document is kept."""
    mixes: bool = False
    """Whether predictions are mixed with counts of scored tokens: an n-gram cache, a context mixer."""
    runs: int = 0
    """Number of trainings that ended in this log."""
    first_stamp: float | None = None
    last_stamp: float | None = None

    @property
    def is_log(self) -> bool:
        """Whether it contains output of a training script."""
        return bool(self.scores or self.steps is not None or self.model_bytes or self.total_bytes)

    def of_stage(self, stage: ScoreStage) -> list[Score]:
        """The scores of one stage in the order printed.

        A rounded line and the exact line of the same name are one score. The same name with different numbers is two.
        """
        scores: list[Score] = []
        for score in self.scores:
            if score.stage != stage:
                continue
            same = (
                index for index, other in enumerate(scores) if other.name == score.name and agree(other.bpb, score.bpb)
            )
            rounded = next(same, None)
            if rounded is None:
                scores.append(score)
            else:
                before = scores[rounded]
                finer = score if decimals(score.bpb) >= decimals(before.bpb) else before
                scores[rounded] = replace(finer, seconds=before.seconds if score.seconds is None else score.seconds)
        return scores


def parse(lines: Iterable[bytes]) -> Log:
    """Parse a log.

    Args:
        lines: lines of bounded length, with their line ends; invalid UTF-8 is replaced.
    """
    log = Log()
    digest = hashlib.sha256()
    for line in lines:
        digest.update(line)
        for visible in line.decode("utf-8", "replace").rstrip("\r\n").split("\r"):
            _read(log, _TERMINAL.sub("", visible), whole=line.endswith((b"\n", b"\r")))
    log.digest = digest.hexdigest()
    _complete(log)
    return log


def stage_of(name: str) -> ScoreStage:
    """The stage that a metric's name indicates.

    The plain name `final_int8_zlib_roundtrip` was used for any stage, so a record's claim must decide between scores of
    that name.
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
        if match := pattern.search(line):
            log.clocks[name] = float(match[1]) / (1 if match[2] == "s" else 1000)
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
        if match := re.search(rf"val_bpb: ?{_NUMBER}(?![\w.])", line):
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
    seconds = _seconds(time[1], time[2]) if time else None
    log.scores.append(Score(name=name, stage=_stage(name, match["rest"]), loss=loss, bpb=bpb, seconds=seconds or None))
    del log.scores[:-MAX_SCORES]


def _stage(name: str, rest: str) -> ScoreStage:
    stage = stage_of(name)
    return "adapted" if stage == "roundtrip" and re.search(r"eval_mode:\w*ttt", rest) else stage


def _read_sizes(log: Log, line: str) -> None:
    if match := _MODEL.match(line):
        log.model_bytes = _bytes(match[1])
    elif match := _CODE.match(line):
        if match[1] == "compressed":
            log.code_bytes = _bytes(match[2])
        else:
            log.raw_code_bytes = _bytes(match[2])
    elif match := _TOTAL.match(line):
        # Without a codec it is the size of raw weights and code, unless a compressed model precedes it.
        if match[1].strip() or log.model_bytes is not None:
            log.total_bytes = _bytes(match[2])
    elif match := _BUDGET.search(line):
        log.total_bytes = int(match[1])
    if match := _BUDGET_CODE.match(line):
        log.raw_code_bytes = int(match[1])


def _bytes(number: str) -> int:
    return int(number.replace(",", ""))


def _read_settings(log: Log, line: str) -> None:
    for match in _SEED.finditer(line):
        if (seed := int(match[1])) not in log.seeds:
            log.seeds.append(seed)
    if not log.seeds and " ws:" in line and (seed_match := re.search(r" s:(\d{1,9})$", line)):
        log.seeds.append(int(seed_match[1]))
    del log.seeds[MAX_SEEDS:]
    for name, value in _SETTING.findall(line):
        if name in CONFIG_KEYS and not line.startswith("step:"):
            log.settings.setdefault(name, value)
    if tokens_match := _TOKENS.search(line):
        log.val_tokens = int(tokens_match[1])
    if documents_match := _DOCUMENTS.match(line):
        log.documents = int(documents_match[1])
    if fraction_match := _FRACTION.search(line):
        log.document_fraction = float(fraction_match[1])
    if log.data is None and (data_match := re.search(r"fineweb10B_(\w{2,60})", line)):
        log.data = data_match[1]
    if log.tokenizer is None and (tokenizer_match := _TOKENIZER.search(line)):
        name = re.split(r"[/\\]", tokenizer_match[1])[-1]
        log.tokenizer = name if re.fullmatch(r"[\w.-]{1,80}", name, re.ASCII) else None
    if "ttt_rank:" in line:
        if factor_match := re.search(r" temp:(\d(?:\.\d{1,6})?)\b", line):
            log.factor = float(factor_match[1])
        if epochs_match := re.search(r" ep:(\d{1,4})\b", line):
            log.epochs = int(epochs_match[1])
    if _MIN_NLL.search(line):
        log.min_nll = True


def _complete(log: Log) -> None:
    """Derive missing values: sizes from their sum, the shipped code if only one size is printed, clocks."""
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
    """Number of printed digits after the point."""
    exponent = number.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def agree(a: Decimal, b: Decimal) -> bool:
    """Whether two numbers agree to the digits of the shorter one, rounded up or down."""
    return abs(a - b) <= Decimal(5).scaleb(-min(decimals(a), decimals(b)) - 1)
