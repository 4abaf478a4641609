"""An entry that is submitted: what is known of it, its claims (submission.json), and each seed's log.

Claims are the numbers that the logs print, so that a reader of the folder alone finds the same.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.entry.log_lines import Sizes, Total, score_lines, setting_lines, size_lines, training_lines
from sweeps.board.evaluation import ValidationSet
from sweeps.board.margin_rules import MARGIN_RULES, margin_text, written_margin_text
from sweeps.spec.recipe import Recipe
from sweeps.statistics import Moments

SEED_TEST = "one-sided Welch across seeds"
"""How the names of tests begin that compare seeds."""
HOLM = "Holm-corrected"
"""Words in the name of a p-value that is corrected for other entries."""
DIGITS = 10
"""Digits of scores after the point, as logs print them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SeedRun:
    """What is known of one seed's run."""

    seed: int
    sizes: Sizes
    total: Total
    trace: Sequence[Mapping[str, Any]]
    """Lines of the training's metrics.jsonl."""
    result: Mapping[str, Any]
    """The training's result.json."""
    printed: str
    """What the training printed."""
    machine: str
    world: int
    """Number of training processes."""
    versions: Mapping[str, str]
    """Package → version."""
    commits: tuple[str, ...]
    """Commits of the code that its jobs ran."""

    @property
    def bpb(self) -> float:
        """Bits per byte, as its log prints it."""
        return round(self.total.bpb, DIGITS)

    @property
    def loss(self) -> float:
        """Nats per token, as its log prints it."""
        return round(self.total.nats_per_token, DIGITS)

    @property
    def train_seconds(self) -> float:
        """Seconds on the training clock."""
        seconds: float = self.result["clocks"]["train_seconds"]
        return seconds


@dataclass(frozen=True, kw_only=True, slots=True)
class Submission:
    """An entry that may be submitted."""

    name: str
    """SWEEP/ENTRY."""
    author: str | None
    date: str
    recipe: Recipe
    runs: Sequence[SeedRun]
    validation_set: ValidationSet
    tokens: str
    """Name of the folder of token shards."""
    tokenizer: str
    """Name of the tokenizer's file."""
    standing: Mapping[str, Any]
    """The entry on the leaderboard of its sweep, by column."""
    against: Mapping[str, tuple[str, float]]
    """"baseline" and "incumbent", where they exist: name and mean in bits per byte."""
    spreads: Mapping[str, Moments]
    """The scores of "baseline" and "incumbent" as tests use them, where they have a spread."""
    certificate: Mapping[str, Any]
    script: bytes
    script_commit: str | None
    """Commit of the code that train_gpt.py is made of."""
    requirements: Mapping[str, str]
    """Package → version."""

    @property
    def bpb(self) -> float:
        """Mean bits per byte over seeds."""
        return statistics.fmean(run.bpb for run in self.runs)

    @property
    def std(self) -> float | None:
        """Sample standard deviation; None with one seed."""
        return statistics.stdev(run.bpb for run in self.runs) if len(self.runs) > 1 else None

    @property
    def largest(self) -> Sizes:
        """Sizes of the seed with the most bytes."""
        return max((run.sizes for run in self.runs), key=lambda sizes: sizes.total)

    @property
    def commits(self) -> list[str]:
        """Commits of the code that the runs ran."""
        return sorted({commit for run in self.runs for commit in run.commits})

    @property
    def processes(self) -> int:
        """Number of training processes."""
        return self.runs[0].world


def make_claims(submission: Submission) -> dict[str, Any]:
    """The content of submission.json: the claims, under the challenge's names."""
    runs, std, sizes = submission.runs, submission.std, submission.largest
    return {
        "author": submission.author,
        "github_id": None,
        "name": submission.name,
        "blurb": describe_recipe(submission.recipe),
        "date": submission.date,
        "val_bpb": round(submission.bpb, DIGITS),
        **({} if std is None else {"val_bpb_std": round(std, DIGITS)}),
        "val_loss": round(statistics.fmean(run.loss for run in runs), DIGITS),
        "seeds": [run.seed for run in runs],
        "seed_results": {str(run.seed): _make_seed_claims(run) for run in runs},
        "bytes_total": sizes.total,
        "bytes_code": sizes.code,
        "bytes_code_uncompressed": sizes.source,
        "train_time_seconds": round(max(run.train_seconds for run in runs), 3),
        "eval_time_seconds": round(max(run.total.seconds for run in runs), 3),
        "model_params": runs[0].result["parameters"],
        "val_documents": submission.validation_set.documents,
        "val_tokens": submission.validation_set.tokens,
        "val_bytes": submission.validation_set.bytes,
        "val_digest": submission.validation_set.data,
        "tokenizer": submission.validation_set.tokenizer,
        "comparison_baseline_bpb": _find_score_to_beat(submission),
        "tests": [*_make_test_claims(submission)],
        "machine": runs[0].machine,
        "commits": {"runs": submission.commits, "train_gpt.py": submission.script_commit},
    }


def list_tests(submission: Submission) -> list[dict[str, Any]]:
    """Every known p-value, with its test and the entry that it is against."""
    return [test for _, _, test in _find_tests(submission)]


def _make_test_claims(submission: Submission) -> Iterator[dict[str, Any]]:
    """The same; a test across seeds has the numbers to compute it again, together with the logs' scores."""
    nats = {rule.p_column: rule.margin_nats for rule in MARGIN_RULES.values()}
    for column, role, test in _find_tests(submission):
        if test["test"].startswith(SEED_TEST) and role in submission.spreads:
            spread = submission.spreads[role]
            margin = submission.validation_set.bpb(nats.get(column, MARGIN_RULES["written_rule"].margin_nats))
            yield test | {"against_val_bpb_std": spread.std, "against_seeds": spread.n, "margin_bpb": margin}
        else:
            yield test


def _find_tests(submission: Submission) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Column, role of the other entry, and test of every known p-value."""
    for column, (title, role) in _name_tests().items():
        if (p := submission.standing[column]) is not None:
            name, mean = submission.against[role]
            yield column, role, {"test": title, "against": name, "against_val_bpb": mean, "p_value": p}


def _make_seed_claims(run: SeedRun) -> dict[str, Any]:
    return {
        "val_bpb": run.bpb,
        "val_loss": run.loss,
        "bytes_total": run.sizes.total,
        "bytes_model": run.sizes.model,
        "steps": run.result["steps"],
        "train_time_seconds": round(run.train_seconds, 3),
        "eval_time_seconds": round(run.total.seconds, 3),
    }


def _name_tests() -> dict[str, tuple[str, str]]:
    """Column of the leaderboard with a p-value → its test, and the role of the entry that it is against."""
    welch = f"{SEED_TEST}, margin"
    with_margin = f"{welch} {written_margin_text()}"
    rules = sorted(MARGIN_RULES.values(), key=lambda rule: rule.margin_nats)
    return {
        "p_value": (with_margin, "baseline"),
        "p_paired_seeds": (f"one-sided, paired by training, margin {written_margin_text()}", "baseline"),
        "p_adjusted": (f"{with_margin}, {HOLM} over the entries of its track", "baseline"),
        **{
            rule.paired_column: (
                f"one-sided, paired by training, margin {margin_text(rule.margin_nats) if rule.margin_nats else '0'}",
                "incumbent",
            )
            for rule in rules
        },
        **{
            rule.p_column: (f"{welch} {margin_text(rule.margin_nats) if rule.margin_nats else '0'}", "incumbent")
            for rule in rules
        },
        "p_paired": ("one-sided paired test over documents on the same artifacts, margin 0", "baseline"),
    }


def _find_score_to_beat(submission: Submission) -> float | None:
    """The mean of the current record, else of its sweep's baseline; None without both."""
    known = [submission.against[role] for role in ("incumbent", "baseline") if role in submission.against]
    return next((round(mean, DIGITS) for _, mean in known), None)


def describe_recipe(recipe: Recipe) -> str:
    """A recipe in one sentence."""
    model, adapts = recipe.train.model, recipe.eval
    how = (
        "no test-time training"
        if not adapts.adapts
        else f"{adapts.protocol} test-time training of {' '.join(adapts.adapters)} in chunks of {adapts.chunk}"
    )
    return (
        f"{model.num_layers} layers of {model.model_dim}, {recipe.quantize.bits}-bit weights "
        f"({recipe.quantize.codec}), {how}."
    )


def log_lines(submission: Submission, run: SeedRun) -> Iterator[str]:
    """One seed's log, made from what its jobs left."""
    recipe = submission.recipe
    yield f"Run {submission.name} by golfsweep; sizes are those with the train_gpt.py beside this file."
    yield f"machine: {run.machine}"
    yield f"versions: {' '.join(f'{name} {version}' for name, version in run.versions.items())}"
    yield f"code: commit {' '.join(run.commits) or 'unknown'}"
    yield from setting_lines(recipe.train, run.seed, run.world)
    yield from run.printed.splitlines()
    yield from training_lines(run.trace, run.result)
    yield from size_lines(run.sizes, recipe.quantize)
    yield from score_lines(run.total, recipe.quantize, recipe.eval)
