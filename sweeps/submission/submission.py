"""A row that is submitted: what is known of it, what it claims (submission.json), and each seed's log.

Claims are what the logs print, so that whoever reads only the folder comes to the same.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.entry.log_lines import Sizes, Total, score_lines, setting_lines, size_lines, training_lines
from sweeps.board.evaluation import TextSet
from sweeps.spec.recipe import Recipe

DIGITS = 10
"""Of scores, as logs print them."""
TESTS: Mapping[str, tuple[str, str]] = {
    "p_value": ("one-sided Welch across seeds, margin 0.005 nats per token", "baseline"),
    "p_adjusted": (
        "one-sided Welch across seeds, margin 0.005 nats per token, Holm-corrected over the rows of its track",
        "baseline",
    ),
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
    tokens: str
    """Name of the folder of token shards."""
    tokenizer: str
    """Name of the tokenizer's file."""
    standing: Mapping[str, Any]
    """The row as the leaderboard of its sweep has it."""
    against: Mapping[str, tuple[str, float]]
    """"baseline" and "incumbent", where there are such rows: name and mean in bits per byte."""
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


def claims(submission: Submission) -> dict[str, Any]:
    """submission.json: what is claimed, under the challenge's names."""
    runs, std, sizes = submission.runs, submission.std, submission.largest
    return {
        "author": submission.author,
        "github_id": None,
        "name": submission.name,
        "blurb": blurb(submission.recipe),
        "date": submission.date,
        "val_bpb": round(submission.bpb, DIGITS),
        **({} if std is None else {"val_bpb_std": round(std, DIGITS)}),
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
        "comparison_baseline_bpb": _compared(submission),
        "tests": tests(submission),
        "machine": runs[0].machine,
        "commits": {"runs": submission.commits, "train_gpt.py": submission.script_commit},
    }


def tests(submission: Submission) -> list[dict[str, Any]]:
    """Every p-value that is known, with its test and what it is against."""
    found = []
    for column, (test, other) in TESTS.items():
        if (p := submission.standing[column]) is not None:
            name, mean = submission.against[other]
            found.append({"test": test, "against": name, "against_val_bpb": mean, "p_value": p})
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


def _compared(submission: Submission) -> float | None:
    """The score that it has to beat: the record of its date, else its sweep's baseline; None where there is neither."""
    known = [submission.against[one] for one in ("incumbent", "baseline") if one in submission.against]
    return next((round(mean, DIGITS) for _, mean in known), None)


def blurb(recipe: Recipe) -> str:
    """A recipe in one sentence."""
    model, adapts = recipe.train.model, recipe.eval
    how = (
        "no adaptation at test time"
        if not adapts.adapts
        else f"{adapts.protocol} adaptation of {' '.join(adapts.adapters)} in chunks of {adapts.chunk}"
    )
    return (
        f"{model.num_layers} layers of {model.model_dim}, {recipe.quantize.bits}-bit weights "
        f"({recipe.quantize.codec}), {how}."
    )


def log_lines(submission: Submission, run: SeedRun) -> Iterator[str]:
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
