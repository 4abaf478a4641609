"""The draft of a sweep of a participant's own script, filled in from what its source says."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from jobs.scripts.source import EnvironmentName, ScriptSource
from jobs.scripts.source.checking import unset_names
from sweeps.spec.drafts.script_stages import DraftStage, propose_stages
from sweeps.spec.drafts.toml_text import shown, toml_list, toml_text

_FILLED: Mapping[str, str] = {
    "DATA_PATH": "{data}", "DATASETS_DIR": "{data}", "DATA_DIR": "{data_dir}", "TOKENIZER_PATH": "{tokenizer}",
    "TRAIN_FILES": "{data}/fineweb_train_*.bin", "VAL_FILES": "{data}/fineweb_val_*.bin", "RUN_ID": "{run}",
    "SEED": "{seed}",
}  # fmt: skip
"""Variables of the challenge's scripts that golfsweep sets."""
_OFTEN_SWEPT = (
    "MATRIX_LR", "SCALAR_LR", "TIED_EMBED_LR", "EMBED_LR", "WARMDOWN_ITERS", "WARMDOWN_FRAC", "QK_GAIN_INIT", "MUON_WD",
    "EMA_DECAY", "TTT_LR", "TTT_LORA_LR", "TTT_EPOCHS", "TTT_LORA_RANK", "TTT_CHUNK_SIZE",
)  # fmt: skip
_USUAL = frozenset(("numpy", "torch"))
_USUAL_PROGRAMS = frozenset(("git", "nvidia-smi", "pip", "python", "python3"))
_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_TOKENS, _TOKENIZER = "data/datasets/fineweb10B_sp{}", "data/tokenizers/fineweb_{}_bpe.model"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptDraft:
    """What the draft is of."""

    sweep_file: str
    """The path that the draft gets."""
    file: str
    """The script's path, from where golfsweep runs."""
    files: Sequence[str] = ()
    """Paths of what it needs beside it."""
    python: str
    gpus: int = 8


def draft_script_sweep(draft: ScriptDraft, source: ScriptSource) -> str:
    """The text of a commented sweep file."""
    return "\n".join(_lines(draft, source)) + "\n"


def _lines(draft: ScriptDraft, source: ScriptSource) -> Iterator[str]:
    stages = propose_stages(source)
    filled = {name: value for name, value in _FILLED.items() if name in source.names}
    yield from (
        f"# A sweep of {shown(PurePath(draft.file).name)}, drafted from its source.",
        f"# See what it takes:    golfsweep plan {shown(draft.sweep_file)}",
        f"# Start or resume it:   golfsweep run {shown(draft.sweep_file)} --here     (on a cluster, without --here)",
        "",
        f"name    = {toml_text(_sweep_name(draft.file))}",
        '# contest = "parameter-golf"           # the default',
        "",
    )
    yield from _data(source)
    yield from _script(draft, source, filled)
    for stage in stages:
        yield from _stage(stage, draft.gpus, source, is_scored=stage is stages[-1])
    yield from (
        "[seeds]",
        "tune    = [1337]",
        "confirm = [42, 2024, 2025]             # of the arms, and of the best trials",
        "",
        "[[arm]]                                # the script as it is",
        'name     = "published"',
        "baseline = true",
        "",
    )
    yield from _search(source, filled)
    yield from ("[budget]", "dollars_per_gpu_hour = 2.99")


def _data(source: ScriptSource) -> Iterator[str]:
    vocab = source.names.get("VOCAB_SIZE")
    size = vocab.default if vocab is not None and vocab.default and vocab.default.isdecimal() else "1024"
    tokens, tokenizer = (_default(source, name) for name in ("DATA_PATH", "TOKENIZER_PATH"))
    yield from (
        "[data]",
        f"tokens    = {toml_text(tokens or _TOKENS.format(size))}",
        f"tokenizer = {toml_text(tokenizer or _TOKENIZER.format(size))}",
        '# validation = "holdout"                # trials are scored on documents held out of the training shards',
    )
    if source.shards_per_rank:
        yield "# Each rank reads shards of its own: there must be at least as many as GPUs."
    yield ""


def _script(draft: ScriptDraft, source: ScriptSource, filled: Mapping[str, str]) -> Iterator[str]:
    needs = [module.name for module in source.modules if module.name not in _USUAL and not module.optional]
    fallbacks = [module.name for module in source.modules if module.name not in _USUAL and module.optional]
    programs = [f"bin:{program}" for program in source.programs if program not in _USUAL_PROGRAMS]
    yield "[script]"
    yield f"file   = {toml_text(draft.file)}"
    if draft.files:
        yield f"files  = {toml_list(draft.files)}"
    yield f"python = {toml_text(draft.python)}"
    if source.python >= (3, 12):
        yield f"# Its syntax needs Python {source.python[0]}.{source.python[1]} or newer."
    yield f"needs  = {toml_list([*needs, *programs])}"
    if fallbacks:
        yield f"# It also runs without these, perhaps slower or with other numbers: {shown(', '.join(fallbacks), 300)}"
    if source.arguments:
        yield f"# args = []                            # it knows {shown(' '.join(source.arguments), 300)}"
    yield '# setup = ["pip install -r requirements.txt"]     # once on each node, before anything is billed'
    yield ""
    yield "[script.env]                           # of all stages"
    yield from (f"{name} = {toml_text(value)}" for name, value in filled.items())
    for reason in source.whole[:3]:
        yield f"# Not all names could be read: {shown(reason, 200)}"
    for name in unset_names(source, filled):
        yield f"# {_setting(source.names[name])}"
    yield from (f"# {prefix}…: names that it puts together" for prefix in map(shown, source.prefixes))
    yield ""


def _stage(stage: DraftStage, gpus: int, source: ScriptSource, *, is_scored: bool) -> Iterator[str]:
    yield f"[script.{stage.name}]"
    if stage.after is not None:
        yield f"from = {toml_text(stage.after)}"
    if stage.keep:
        yield f"keep = {toml_list(stage.keep)}                    # there under its own name, and not overwritten"
    yield f"gpus = {gpus}"
    yield "max_seconds = 3600                     # of the whole process; longer runs are stopped and count as failed"
    if stage.out:
        yield f"out  = {{ {', '.join(f'{role} = {toml_text(name)}' for role, name in stage.out.items())} }}"
    elif not stage.after:
        written = ", ".join(file.name for file in source.writes) or "none found in the source"
        yield f'# out = {{ artifact = "…" }}             # files that it writes: {shown(written, 300)}'
    if stage.env:
        env = ", ".join(f"{name} = {toml_text(value)}" for name, value in stage.env.items())
        yield f"env  = {{ {env} }}    # {shown(stage.remark, 200)}"
    if is_scored:
        others = [metric.name for metric in source.metrics if metric.name != stage.metric]
        remark = f"    # it also prints {shown(', '.join(others), 300)}" if others else ""
        if stage.metric is None:
            yield 'metric = "val_bpb:([0-9.]+)"            # none was found: a regular expression of its score'
        else:
            yield f"metric = {toml_text(stage.metric)}{remark}"
        yield "limit_bytes = 16000000                 # of artifact and code"
    yield ""


def _search(source: ScriptSource, filled: Mapping[str, str]) -> Iterator[str]:
    often = [source.names[name] for name in _OFTEN_SWEPT if name in source.names and name not in filled]
    if not often:
        return
    yield from (
        "# [search]                             # remove the # signs to search these",
        "# trials   = 32",
        "# parallel = 8",
        "# [search.proxy]                       # cheaper trials, never ranked beside confirmed entries",
        "# gpus = 1",
        "# [search.space]",
    )
    for entry in often:
        if entry.default is None or (number := _float(entry.default)) is None or number == 0:
            continue
        if entry.kind == "int" and number >= 1:
            low, high = str(max(1, int(number) // 2)), str(int(number) * 2)
        else:
            low, high = f"{number / 2:.3g}", f"{number * 2:.3g}"
        yield f'# "script.env.{entry.name}" = {{ low = {low}, high = {high}, log = true }}'
    yield from ("# [confirm]", "# top = 2", "")


def _setting(entry: EnvironmentName) -> str:
    name = entry.name if _BARE.fullmatch(entry.name) else toml_text(entry.name)
    value = '"…"' if entry.default is None else toml_text(shown(entry.default))
    return f"{name} = {value}".ljust(38) + f" # {entry.kind}"


def _default(source: ScriptSource, name: str) -> str | None:
    """The path that a variable has by default, as it is from the current directory."""
    entry = source.names.get(name)
    if entry is None or not entry.default or not entry.default.isprintable() or len(entry.default) > 200:
        return None
    return entry.default.removeprefix("./")


def _sweep_name(file: str) -> str:
    """A name for the sweep: the script's, or its folder's where many scripts are called alike."""
    path = PurePath(file)
    stem = path.parent.name if path.stem == "train_gpt" and path.parent.name else path.stem
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip("-._")[:40]
    return name or "script"


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
