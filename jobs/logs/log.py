"""The contents of a log."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Literal

from jobs.logs.numbers import agree, decimals
from jobs.logs.practices import Practice, Practices, merge_practices

ScoreStage = Literal["trained", "roundtrip", "sliding", "adapted"]
"""What a score measures, in order: the trained weights, the quantized model in separate windows, the same in
overlapping windows, the model with test-time training."""
SCORE_STAGES: tuple[ScoreStage, ...] = ("trained", "roundtrip", "sliding", "adapted")


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
    """The last scores of the log."""
    scores_dropped: int = 0
    """How many scores were printed before those."""
    own_scores: dict[str, Score] = field(default_factory=dict)
    """Scores under a name of their own, such as "ppm_mix mix_bpb", each as last printed."""
    validation: Decimal | None = None
    """Last bits per byte during training."""
    prints_bpb: bool = False
    """Whether any line gives bits per byte."""
    prints_loss_alone: bool = False
    """Whether a validation in training gives a loss without bits per byte, as logs of other contests do."""
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
    """Settings that belong to the recipe, as printed."""
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
    practices: Practices = field(default_factory=Practices)
    runs: int = 0
    """Number of trainings that ended in this log."""
    first_stamp: float | None = None
    last_stamp: float | None = None
    printed_time: float | None = None
    """Epoch seconds of the machine's clock as nvidia-smi prints it, taken as UTC."""

    @property
    def scores_printed(self) -> int:
        """How many scores it prints."""
        return self.scores_dropped + len(self.scores)

    @property
    def is_log(self) -> bool:
        """Whether it contains output of a training script."""
        return bool(self.scores or self.steps is not None or self.model_bytes or self.total_bytes)

    @property
    def trains(self) -> bool:
        """Whether it shows a training: steps, or its clock."""
        return bool(self.steps) or self.train_seconds is not None or self.runs > 0

    @property
    def written(self) -> float | None:
        """When it was written, in epoch seconds: its last stamp, else the machine's clock."""
        return self.printed_time if self.last_stamp is None else self.last_stamp

    def complete_sizes(self) -> None:
        """Derive missing sizes: the shipped code where only one size is printed, the third of model, code and both."""
        if self.code_bytes is None:
            self.code_bytes = self.raw_code_bytes
        if self.total_bytes is None and self.model_bytes is not None and self.code_bytes is not None:
            self.total_bytes = self.model_bytes + self.code_bytes
        if self.model_bytes is None and self.total_bytes is not None and self.code_bytes is not None:
            self.model_bytes = self.total_bytes - self.code_bytes

    def prints_after(self, score: Score, practice: Practice) -> bool:
        """Whether a score is printed after the first line that names a practice, as one that it concerns must be."""
        after = self.scores[max(0, self.practices.scores_before.get(practice, 0) - self.scores_dropped) :]
        return any(other.name == score.name and agree(other.bpb, score.bpb) for other in after)

    def seconds_of(self, score: Score) -> float | None:
        """Seconds of a score's evaluation: on a line of its name, else on one with that score, else by a clock."""
        own = [line.seconds for line in [*self.scores, score] if line.name == score.name and line.seconds]
        same_score = [
            line.seconds for line in self.scores if line.seconds and abs(line.bpb - score.bpb) < Decimal("0.0001")
        ]
        clocks = [self.clocks[name] for name in ("eval.total", "eval.adapted_run") if name in self.clocks]
        return next((seconds for seconds in (*own[-1:], *same_score[-1:], *clocks) if math.isfinite(seconds)), None)

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


def merge_logs(logs: Sequence[Log]) -> Log:
    """One log of a run that was logged in several files, in their order; of a fact in several the first counts."""
    first = logs[0]
    merged = replace(
        first,
        scores=[score for log in logs for score in log.scores],
        scores_dropped=sum(log.scores_dropped for log in logs),
        last_stamp=max((log.last_stamp for log in logs if log.last_stamp is not None), default=None),
        printed_time=max((log.printed_time for log in logs if log.printed_time is not None), default=None),
    )
    for log in logs[1:]:
        for name in _FACTS:
            if getattr(merged, name) is None:
                setattr(merged, name, getattr(log, name))
        for name in _TABLES:
            setattr(merged, name, getattr(log, name) | getattr(merged, name))
        for name in _FLAGS:
            setattr(merged, name, getattr(merged, name) or getattr(log, name))
        merged.seeds = list(dict.fromkeys([*merged.seeds, *log.seeds]))
        merged.runs += log.runs
    merged.complete_sizes()
    merged.practices = merge_practices([(log.practices, log.scores_printed) for log in logs])
    return merged


_FACTS = (
    *("validation", "steps", "train_seconds", "model_bytes", "code_bytes", "raw_code_bytes", "total_bytes"),
    *("val_tokens", "documents", "document_fraction", "data", "tokenizer", "factor", "epochs"),
    "first_stamp",
)
_TABLES = ("clocks", "settings", "own_scores")
_FLAGS = ("min_nll", "mixes", "prints_bpb", "prints_loss_alone")
