"""What stands in a submission's folder: README.md, submission.json, a log a seed, certificate.json, requirements.txt.

Numbers are what the logs print, so that whoever reads only the folder comes to the same.
"""

import json
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.artifact import LIMIT_BYTES
from golf.log_lines import Sizes, Total, score_lines, setting_lines, size_lines, training_lines
from sweeps.certificates import lines as certificate_lines
from sweeps.compare import differing
from sweeps.evaluation import TextSet
from sweeps.recipe import Recipe, build_recipe

DIGITS = 10
"""Of scores, as logs print them."""
TESTS: Mapping[str, tuple[str, str]] = {
    "p_value": ("one-sided Welch across seeds, margin 0.005 nats per token", "baseline"),
    "p_adjusted": ("the same, Holm-corrected over all rows of the sweep's track", "baseline"),
    "p_incumbent": ("one-sided Welch across seeds, margin 0", "incumbent"),
    "p_challenge": ("one-sided Welch across seeds, margin 0.005 nats per token", "incumbent"),
    "p_paired": ("one-sided paired test over documents on the same artifacts, margin 0", "baseline"),
}
"""p-values of the leaderboard, by its columns: the test, and what the row is held against."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRun:
    """What is known of one seed's run."""

    seed: int
    sizes: Sizes
    total: Total
    trace: Sequence[Mapping[str, Any]]
    """Lines of metrics.jsonl."""
    result: Mapping[str, Any]
    """result.json of the training."""
    printed: str
    """What the training printed."""
    machine: str
    world: int
    versions: Mapping[str, str]
    commits: tuple[str, ...]
    """Of the code that its jobs ran."""

    @property
    def bpb(self) -> float:
        return round(self.total.bpb, DIGITS)

    @property
    def loss(self) -> float:
        return round(self.total.nats_per_token, DIGITS)

    @property
    def train_seconds(self) -> float:
        seconds: float = self.result["clocks"]["train_seconds"]
        return seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """A row that may be submitted."""

    name: str
    """SWEEP/ROW."""
    author: str | None
    date: str
    recipe: Recipe
    runs: Sequence[SeedRun]
    text: TextSet
    standing: Mapping[str, Any]
    """The row as the leaderboard of its sweep has it."""
    baseline: str | None
    certificate: Mapping[str, Any]
    script: bytes
    script_commit: str | None
    """Of the code that train_gpt.py is made of."""
    requirements: Mapping[str, str]
    """Package → version."""

    @property
    def bpb(self) -> float:
        return statistics.fmean(run.bpb for run in self.runs)

    @property
    def std(self) -> float | None:
        """Of the sample; None with one seed."""
        return statistics.stdev(run.bpb for run in self.runs) if len(self.runs) > 1 else None

    @property
    def largest(self) -> Sizes:
        """Sizes of the largest seed."""
        return max((run.sizes for run in self.runs), key=lambda sizes: sizes.total)

    @property
    def commits(self) -> list[str]:
        """Of the code that the runs ran."""
        return sorted({commit for run in self.runs for commit in run.commits})

    @property
    def processes(self) -> int:
        return self.runs[0].world


def contents(submission: Submission) -> dict[str, bytes]:
    """Every file of the folder by its name."""
    texts = {f"train_seed{run.seed}.log": _log(submission, run) for run in submission.runs}
    texts |= {
        "README.md": _readme(submission),
        "requirements.txt": (f"{name}=={version}" for name, version in submission.requirements.items()),
    }
    plain = {"submission.json": claims(submission), "certificate.json": submission.certificate}
    found = {name: ("\n".join(lines) + "\n").encode() for name, lines in texts.items()}
    found |= {name: (json.dumps(one, indent=2, allow_nan=False) + "\n").encode() for name, one in plain.items()}
    return found | {"train_gpt.py": submission.script}


def claims(submission: Submission) -> dict[str, Any]:
    """submission.json: what is claimed, under the challenge's names."""
    runs, std, sizes = submission.runs, submission.std, submission.largest
    return {
        "author": submission.author,
        "name": submission.name,
        "blurb": _blurb(submission.recipe),
        "date": submission.date,
        "val_bpb": round(submission.bpb, DIGITS),
        "val_bpb_std": None if std is None else round(std, DIGITS),
        "val_loss": round(statistics.fmean(run.loss for run in runs), DIGITS),
        "seeds": [run.seed for run in runs],
        "seed_results": {str(run.seed): _seed_claims(run) for run in runs},
        "bytes_total": sizes.total,
        "bytes_code": sizes.code,
        "bytes_code_uncompressed": sizes.source,
        "train_time_seconds": round(max(run.train_seconds for run in runs), 3),
        "eval_time_seconds": round(max(run.total.seconds for run in runs), 3),
        "model_params": runs[0].result["parameters"],
        "val_documents": submission.text.documents,
        "val_tokens": submission.text.tokens,
        "val_bytes": submission.text.bytes,
        "val_digest": submission.text.data,
        "tokenizer": submission.text.tokenizer,
        "tests": tests(submission),
        "machine": runs[0].machine,
        "commits": {"runs": submission.commits, "train_gpt.py": submission.script_commit},
    }


def tests(submission: Submission) -> list[dict[str, Any]]:
    """Every p-value that is known, with its test and what it is against."""
    against = {"baseline": submission.baseline, "incumbent": submission.standing["incumbent"]}
    found = []
    for column, (test, other) in TESTS.items():
        p = submission.standing[column]
        if p is not None:
            found.append({"test": test, "against": against[other], "p_value": p})
    return found


def _seed_claims(run: SeedRun) -> dict[str, Any]:
    return {
        "val_bpb": run.bpb,
        "val_loss": run.loss,
        "bytes_total": run.sizes.total,
        "bytes_model": run.sizes.model,
        "steps": run.result["steps"],
        "train_time_seconds": round(run.train_seconds, 3),
        "eval_time_seconds": round(run.total.seconds, 3),
    }


def _blurb(recipe: Recipe) -> str:
    model, adapts = recipe.train.model, recipe.eval
    how = (
        "no adaptation at test time"
        if adapts.protocol == "none"
        else f"{adapts.protocol} adaptation of {' '.join(adapts.adapters)} in chunks of {adapts.chunk}"
    )
    return (
        f"{model.num_layers} layers of {model.model_dim}, {recipe.quantize.bits}-bit weights "
        f"({recipe.quantize.codec}), {how}."
    )


def _log(submission: Submission, run: SeedRun) -> Iterator[str]:
    """One seed's log, from the records that its jobs left."""
    recipe = submission.recipe
    yield f"Run {submission.name} by golfsweep; sizes are those with the train_gpt.py beside this file."
    yield f"machine: {run.machine}"
    yield f"versions: {' '.join(f'{name} {version}' for name, version in run.versions.items())}"
    yield f"code: commit {' '.join(run.commits) or 'not known'}"
    yield from setting_lines(recipe.train, run.seed, run.world)
    yield from run.printed.splitlines()
    yield from training_lines(run.trace, run.result)
    yield from size_lines(run.sizes, recipe.quantize)
    yield from score_lines(run.total, recipe.quantize, recipe.eval)


def _readme(submission: Submission) -> Iterator[str]:
    recipe, std = submission.recipe, submission.std
    spread = "" if std is None else f" ± {std:.4f} (sample standard deviation)"
    count = f"{len(submission.runs)} seed{'s' if len(submission.runs) > 1 else ''}"
    yield f"# {submission.name}: {submission.bpb:.4f} bits per byte"
    yield ""
    yield f"{_blurb(recipe)} Mean over {count}{spread}; every number below is from the logs in this folder."
    yield from ("", "## Method", "")
    yield from _method(recipe)
    yield from ("", "## Command", "")
    yield from _command(submission)
    yield from ("", "## Seeds", "")
    yield from _seed_table(submission)
    yield from ("", "## Statistics", "")
    yield from _statistics(submission)
    yield from ("", "## Certificate", "")
    yield "The scorer was judged from outside, by what it returns (certificate.json has every probe):"
    yield from ("", "```", *certificate_lines(submission.certificate), "```")
    if submission.standing["findings"]:
        yield from ("", "Findings that the rules let pass:", "")
        yield from (f"- `{one['code']}`: {one['detail']}" for one in submission.standing["findings"])


def _method(recipe: Recipe) -> Iterator[str]:
    changed = differing(recipe.settings(), build_recipe({}, "defaults").settings())
    yield "All settings stand in train_gpt.py as JSON. Those that differ from golfsweep's defaults:"
    yield from ("", "| setting | here | default |", "|---|---|---|")
    for one in changed:
        here, default = (json.dumps(one[side]) for side in ("challenger", "incumbent"))
        yield f"| `{one['setting']}` | {here} | {default} |"


def _command(submission: Submission) -> Iterator[str]:
    seeds = " ".join(str(run.seed) for run in submission.runs)
    yield "```sh"
    yield "pip install -r requirements.txt"
    yield f"for seed in {seeds}; do"
    yield "  DATA_PATH=./data/datasets/fineweb10B_sp1024 TOKENIZER_PATH=./data/tokenizers/fineweb_1024_bpe.model \\"
    yield f"  SEED=$seed RUN_ID=seed$seed torchrun --standalone --nproc_per_node={submission.processes} train_gpt.py"
    yield from ("done", "```", "")
    yield (
        "It trains, quantises and scores, prints the lines of the logs here, and leaves the artifact as "
        "runs/RUN_ID/final_model.golf. `python train_gpt.py --source DIR` writes out the modules packed in it."
    )
    if submission.recipe.train.max_seconds is not None:
        yield "A training that the clock ends takes other steps on another machine, so its score differs a little."


def _seed_table(submission: Submission) -> Iterator[str]:
    yield "| seed | val_bpb | val_loss | steps | train s | eval s | artifact bytes | with code |"
    yield "|---|---|---|---|---|---|---|---|"
    for run in submission.runs:
        cells = (
            *(run.seed, f"{run.bpb:.{DIGITS}f}", f"{run.loss:.{DIGITS}f}", run.result["steps"]),
            *(f"{run.train_seconds:.3f}", f"{run.total.seconds:.3f}", f"{run.sizes.model:,}", f"{run.sizes.total:,}"),
        )
        yield f"| {' | '.join(map(str, cells))} |"
    sizes = submission.largest
    yield ""
    yield (
        f"train_gpt.py has {sizes.code:,} bytes as shipped, the sources packed in it {sizes.source:,}; of "
        f"{LIMIT_BYTES:,} bytes {LIMIT_BYTES - sizes.total:,} are left, "
        f"{LIMIT_BYTES - sizes.model - sizes.source:,} with the sources as they are written."
    )


def _statistics(submission: Submission) -> Iterator[str]:
    text, ci = submission.text, submission.standing["val_bpb_ci95"]
    yield (
        f"Scored on {text.documents:,} documents, {text.tokens:,} tokens, {text.bytes:,} bytes (tokenizer "
        f"{text.tokenizer}); 0.005 nats per token are {text.bpb(0.005):.5f} bits per byte here."
    )
    if ci is not None:
        yield f"95 % t interval of the mean over seeds: {ci[0]:.6f} to {ci[1]:.6f}."
    if submission.standing["trials"]:
        yield f"The settings were chosen among {submission.standing['trials']} trials and confirmed on fresh seeds."
    yield ""
    found = tests(submission)
    if not found:
        yield "No test: it is the baseline, nothing came before it, or it has too few seeds."
        return
    yield from ("| test | against | p |", "|---|---|---|")
    for one in found:
        yield f"| {one['test']} | {one['against']} | {one['p_value']:.4g} |"
