"""Lines with facts of a run: sizes, clocks, seeds, settings and data."""

import re
from datetime import UTC, datetime

from jobs.logs.log import Log
from jobs.logs.numbers import BYTES, NUMBER, to_bytes, to_seconds

MAX_SEEDS = 20
"""More than any training script prints; a longer log keeps its first seeds."""
_MODEL = re.compile(rf"^(?:Serialized model [^:]{{1,40}}: |serialized_model_\w{{1,40}}: ?){BYTES} bytes", re.ASCII)
_CODE = re.compile(rf"^Code size(?: \((uncompressed|compressed)\))?: {BYTES} bytes", re.ASCII)
_TOTAL = re.compile(rf"^Total submission size([^:]{{0,40}}): {BYTES} bytes", re.ASCII)
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
    ("eval.total", re.compile(rf"^total_eval_time: ?{NUMBER}(s)\b", re.ASCII)),
    ("eval.compile", re.compile(rf"compile warmup done \({NUMBER}(s)\)", re.ASCII)),
    (
        "eval.adapted_run",
        re.compile(rf"^ttt[\w:]*(?:completed|done)\b.{{0,200}}?(?:time|elapsed)[:=] ?{NUMBER}(s)\b", re.ASCII),
    ),
    ("train.process", re.compile(rf"^phase:train wall_ms:{NUMBER}()\b", re.ASCII)),
    ("serialize.process", re.compile(rf"^phase:serialize wall_ms:{NUMBER}()\b", re.ASCII)),
    ("eval.process", re.compile(rf"^phase:ttt_eval wall_ms:{NUMBER}()\b", re.ASCII)),
    ("process", re.compile(rf"^phase:TOTAL wall_ms:{NUMBER}()\b", re.ASCII)),
    ("quantize.elapsed", re.compile(rf"^wallclock:post_gptq total_elapsed:{NUMBER}(s)\b", re.ASCII)),
)
_OUTSIDE = re.compile(
    rf"outside_?(?:the_)?timer\w{{0,40}}\b.{{0,120}}?\b(?:elapsed|time)[:=] ?{NUMBER}(ms|s)\b",
    re.ASCII | re.IGNORECASE,
)
"""Work of an evaluation that its script leaves out of its own clock."""
_NVIDIA_TIME = re.compile(r"^[A-Z][a-z]{2} ([A-Z][a-z]{2} +\d{1,2} \d\d:\d\d:\d\d 20\d\d)\b")
_RESERVE = re.compile(rf"^gptq:reserving {NUMBER}(ms|s)\b", re.ASCII)
_MIXES = re.compile(
    r"^\s*(?:ngram_(?:cache|eval|mixer|tilt)\b|final_\w*ngram|PPM alpha|(?:\w+ )?context mixer)", re.IGNORECASE
)
_MIN_NLL = re.compile(r"min[_-]?nll\w{0,20}[:=] ?(?:1|true)\b", re.ASCII | re.IGNORECASE)
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
        *("train_shards", "gptq_reserve_seconds"),
        *("ttt_lora_lr", "ttt_lora_rank", "ttt_chunk_size", "phased_ttt_prefix_docs"),
    )
)
"""Settings that belong to the recipe; seed, paths and names do not."""


def read_clocks(log: Log, line: str) -> None:
    """Read a clock of the script, or the machine's own."""
    for name, pattern in _CLOCKS:
        if match := pattern.search(line):
            log.clocks[name] = float(match[1]) / (1 if match[2] == "s" else 1000)
    if (match := _OUTSIDE.search(line)) and (seconds := to_seconds(match[1], match[2])):
        log.clocks["eval.outside"] = round(log.clocks.get("eval.outside", 0.0) + seconds, 3)
    if log.printed_time is None and (match := _NVIDIA_TIME.match(line)):
        log.printed_time = _read_time(match[1])


def read_sizes(log: Log, line: str) -> None:
    """Read the bytes of the model, the code or both; and whether predictions are mixed."""
    log.mixes = log.mixes or _MIXES.match(line) is not None
    if match := _MODEL.match(line):
        log.model_bytes = to_bytes(match[1])
    elif match := _CODE.match(line):
        if match[1] == "compressed":
            log.code_bytes = to_bytes(match[2])
        else:
            log.raw_code_bytes = to_bytes(match[2])
    elif match := _TOTAL.match(line):
        # Without a codec it is the size of raw weights and code, unless a compressed model precedes it.
        if match[1].strip() or log.model_bytes is not None:
            log.total_bytes = to_bytes(match[2])
    elif match := _BUDGET.search(line):
        log.total_bytes = int(match[1])
    if match := _BUDGET_CODE.match(line):
        log.raw_code_bytes = int(match[1])


def read_settings(log: Log, line: str) -> None:
    """Read seeds, settings, and what was scored."""
    for match in _SEED.finditer(line):
        if (seed := int(match[1])) not in log.seeds:
            log.seeds.append(seed)
    if not log.seeds and " ws:" in line and (seed_match := re.search(r" s:(\d{1,9})$", line)):
        log.seeds.append(int(seed_match[1]))
    del log.seeds[MAX_SEEDS:]
    for name, value in _SETTING.findall(line):
        if name in CONFIG_KEYS and not line.startswith("step:"):
            log.settings.setdefault(name, value)
    if (reserve := _RESERVE.match(line)) and (seconds := to_seconds(reserve[1], reserve[2])) is not None:
        log.settings.setdefault("gptq_reserve_seconds", f"{seconds:.1f}")
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


def _read_time(text: str) -> float | None:
    try:
        return datetime.strptime(text, "%b %d %H:%M:%S %Y").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
