"""`golfsweep package` of a script's entry: the script as it was swept, the log of every stage and seed, what they say.

Nothing of it is legal by an audit unless the script has a scorer, and the README says so. Flagged entries are refused.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from jobs.scripts.placeholders import fill
from jobs.workplace import Workplace
from sweeps.board.entries import BoardEntry
from sweeps.board.evaluation import Evaluation
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.spec.script.code import UNPATCHED
from sweeps.spec.script.data import ScriptData
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.recipe import ScriptRecipe, StageSettings
from sweeps.text.escaping import escape_markdown, escape_markdown_code

OWN_NAMES = ("README.md", "submission.json")
DIGITS = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptSubmission:
    """A script's entry that may be submitted."""

    name: str
    """SWEEP/ENTRY."""
    claims: Mapping[str, Any]
    """The content of submission.json."""
    files: Mapping[str, bytes]
    """All files of the folder, by name."""


def gather_script(
    entry: BoardEntry, sweep: Sweep, chains: Sequence[JobChain], place: Workplace, author: str | None
) -> ScriptSubmission:
    """Gather what a script's entry is submitted as.

    Args:
        entry, sweep, chains: the entry, its sweep, and the finished jobs of each of its seeds.
        place: the home that holds them.
        author: who submits it.

    Raises:
        InputError: the entry is flagged, its script or a log is lost, or two files would have one name.
    """
    title = f"{entry.sweep}/{entry.name}"
    if entry.track == "flagged":
        findings = "; ".join(f"{finding['code']}: {finding['detail']}" for finding in entry.columns["findings"])
        raise InputError(f"entry {title}: is flagged: {findings}")
    code = _code(sweep, chains[0], place, title)
    logs = {
        f"{stage.rpartition('.')[2]}_seed{chain.seed}.log": _read((job.outputs or {}).get("log"), place, title)
        for chain in chains
        for stage, job in chain.jobs.items()
    }
    if twice := sorted({*code} & {*logs, *OWN_NAMES}):
        raise InputError(f"entry {title}: {twice[0]} is a file of the script and of the package; rename it")
    claims = _claims(entry, author, sum(map(len, code.values())))
    texts = {
        "README.md": "\n".join(_readme(entry, sweep, chains[0], claims)) + "\n",
        "submission.json": json.dumps(claims, indent=2, allow_nan=False) + "\n",
    }
    files = {**code, **logs, **{name: text.encode() for name, text in texts.items()}}
    return ScriptSubmission(name=title, claims=claims, files=files)


def _code(sweep: Sweep, chain: JobChain, place: Workplace, title: str) -> dict[str, bytes]:
    """The script and the files beside it, after the entry's patch, by name."""
    recipe, kind = chain.measurement.recipe, sweep.spec.kind
    assert isinstance(recipe, ScriptRecipe) and isinstance(kind, ScriptKind) and sweep.code is not None
    version = sweep.code.versions[recipe.patch or UNPATCHED]
    digests = {kind.tables.script.file.rpartition("/")[2]: version.script, **version.files}
    return {name: _read(digest, place, title) for name, digest in digests.items()}


def _read(digest: str | None, place: Workplace, title: str) -> bytes:
    if digest is None:
        raise InputError(f"entry {title}: an attached file of it has no log; attach it with --log")
    try:
        return place.files.get(digest)
    except InputError as error:
        raise InputError(f"entry {title}: {error}") from None


def _claims(entry: BoardEntry, author: str | None, code_bytes: int) -> dict[str, Any]:
    """The content of submission.json, under the challenge's names; without what the script does not say."""
    scores = list(entry.scores)
    sizes = [run.model_bytes for run in entry.runs if run.model_bytes is not None]
    claims = {
        "author": author,
        "github_id": None,
        "name": f"{entry.sweep}/{entry.name}",
        "date": entry.columns.get("date"),
        "val_bpb": round(statistics.fmean(scores), DIGITS),
        "val_bpb_std": round(statistics.stdev(scores), DIGITS) if len(scores) > 1 else None,
        "seeds": [run.seed for run in entry.runs],
        "seed_results": {str(run.seed): _seed_claims(run) for run in entry.runs},
        "bytes_total": max(sizes) + code_bytes if sizes else None,
        "bytes_code": code_bytes,
        "train_time_seconds": _most(entry.runs, "train.train_seconds"),
        "eval_time_seconds": _most(entry.runs, "eval.eval_seconds"),
        "machine": entry.runs[0].machine,
    }
    return {name: value for name, value in claims.items() if value is not None or name in ("author", "github_id")}


def _seed_claims(run: Evaluation) -> dict[str, Any]:
    claims = {
        "val_bpb": run.score,
        "val_loss": None if run.score is None or not run.bpb_per_nat else round(run.score / run.bpb_per_nat, 8),
        "bytes_model": run.model_bytes,
        "train_time_seconds": run.clocks.get("train.train_seconds"),
        "eval_time_seconds": run.clocks.get("eval.eval_seconds"),
    }
    return {name: value for name, value in claims.items() if value is not None}


def _most(runs: Sequence[Evaluation], clock: str) -> float | None:
    return max((run.clocks[clock] for run in runs if clock in run.clocks), default=None)


def _readme(entry: BoardEntry, sweep: Sweep, chain: JobChain, claims: Mapping[str, Any]) -> Iterator[str]:
    std, count = claims.get("val_bpb_std"), len(entry.runs)
    spread = "" if std is None else f" ± {std:.4f} (sample standard deviation)"
    yield f"# {escape_markdown(claims['name'])}: {claims['val_bpb']:.4f} bits per byte"
    yield ""
    yield f"Mean over {count} seed{'' if count == 1 else 's'}{spread}, as printed in the logs of this folder."
    yield from ("", "## Command", "", "```sh")
    yield f"for seed in {' '.join(str(run.seed) for run in entry.runs)}; do"
    recipe, machine = chain.measurement.recipe, entry.runs[0].machine or "unknown"
    assert isinstance(recipe, ScriptRecipe)
    for stage in recipe.stages:
        yield from _command(stage, sweep)
    yield from ("done", "```", "", f"Machine: {escape_markdown(machine)}.")
    yield from ("", "## Seeds", "", "| seed | val_bpb | artifact bytes | train s | eval s |", "|---|---|---|---|---|")
    for run in entry.runs:
        made = _seed_claims(run)
        names = ("val_bpb", "bytes_model", "train_time_seconds", "eval_time_seconds")
        yield f"| {run.seed} | {' | '.join(str(made.get(name, '–')) for name in names)} |"
    yield from ("", "## What is known of it", "", f"It is on the {entry.track} track of the sweep's leaderboard.")
    yield from (
        f"- {escape_markdown_code(finding['code'])}: {escape_markdown(finding['detail'])}"
        for finding in entry.columns["findings"]
    )


def _command(stage: StageSettings, sweep: Sweep) -> Iterator[str]:
    """How a stage is run by hand, in one folder with the script."""
    kind, data = sweep.spec.kind, sweep.data
    assert isinstance(kind, ScriptKind) and isinstance(data, ScriptData)
    section, script = kind.tables.stages[stage.name], kind.tables.script
    outputs = {role: name for other in kind.tables.stages.values() for role, name in other.out.items()}
    values = {
        "data": f"./data/datasets/{data.tokens.name}", "data_dir": "./data", "out": ".", "run": f"{stage.name}-$seed",
        "seed": "$seed", "tokenizer": f"./data/tokenizers/{data.tokenizer.name}" if data.tokenizer else "none",
        **{f"in.{role}": name for role, name in outputs.items()},
    }  # fmt: skip
    if section.keep:
        kept = ", ".join(outputs[role] for role in section.keep)
        yield f"  # {stage.name}: as swept, it read {kept} of the stage before, and what it wrote there went aside"
    for name, value in stage.env:
        yield f"  {name}={_quoted(value, values)} \\"
    run = f"torchrun --standalone --nproc_per_node={stage.gpus}" if script.launch == "torchrun" else "python"
    yield " ".join([f"  {run} {script.file.rpartition('/')[2]}", *(_quoted(text, values) for text in script.args)])


def _quoted(text: str, values: Mapping[str, str]) -> str:
    """A value for a shell, with its placeholders filled in."""
    escaped = "".join(f"\\{character}" if character in '\\"$`' else character for character in text)
    return f'"{fill(escaped, values)}"'
