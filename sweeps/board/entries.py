"""An entry of the leaderboard: one recipe's evaluations, or a public record. It holds what needs no other entry."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sweeps.board.columns.own import fill_from_record, fill_from_runs
from sweeps.board.entry_runs import judge_runs
from sweeps.board.evaluation import Arrival, Evaluation, ImportedEntry, ValidationSet, format_day
from sweeps.board.margin_rules import MARGIN_RULES
from sweeps.board.rules import IMPLAUSIBLE_GAIN, Profile, Track
from sweeps.contests.catalog import default_contest
from sweeps.statistics import Moments, moments

PUBLIC = "public"
"""The validation set of imported records: all were scored on the challenge's one set, whatever its tokenizer."""
CONTEST_GPU = default_contest().machine.gpu or ""
"""The contest's machine has eight of these."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BoardEntry:
    """One recipe's evaluations, or a public record."""

    name: str
    sweep: str
    """Empty for a public record."""
    source: str
    """golfsweep or import."""
    runs: Sequence[Evaluation]
    """One for each seed; none for a public record."""
    scores: Sequence[float]
    """Bits per byte of the seeds that have a score."""
    track: Track
    arrival: Arrival
    pull_request: int | None = None
    """Of a public record, as is `evidence_time`; both help to order those of one day."""
    evidence_time: float | None = None
    barred: bool = False
    """Whether it is no record to beat, whatever its score."""
    validation_set: ValidationSet | None
    """None for a public record."""
    bpb_per_nat: float | None
    """Bits per byte of one nat per token on its validation set."""
    moments: Moments | None
    """Mean, variance and number of its scores; None without any score."""
    unchecked: Sequence[str]
    """What nobody has verified, in words."""
    columns: Mapping[str, Any]
    """Values of the leaderboard's own columns (sweeps.board.columns)."""
    trainings: Mapping[str, float]
    """Digest of trained weights (of the artifact where those are unknown) → bits per byte; none of a public record."""

    @property
    def data(self) -> str:
        """Identifies its validation set."""
        return PUBLIC if self.validation_set is None else self.validation_set.data

    @property
    def seeds(self) -> Mapping[str, float | None]:
        """Seed → bits per byte; None where a seed is claimed without a score."""
        seeds: Mapping[str, float | None] = self.columns["seeds"]
        return seeds

    @property
    def margin(self) -> float | None:
        """The written rule's margin in bits per byte of its validation set."""
        return MARGIN_RULES["written_rule"].margin_bpb(self.bpb_per_nat)

    @property
    def date(self) -> str | None:
        """The day that it came, where that is known."""
        return format_day(self.arrival)

    @property
    def has_spread(self) -> bool:
        """Whether its noise can be estimated: at least two seeds."""
        return self.moments is not None and self.moments.n > 1

    def name_within(self, sweep: str) -> str:
        """Its name among the entries of a sweep: with its own sweep in front where that is another one."""
        return self.name if self.sweep in ("", sweep) else f"{self.sweep}/{self.name}"


def build_entry(runs: Sequence[Evaluation], profile: Profile) -> BoardEntry:
    """Build the entry of one recipe from its evaluations, one for each seed.

    Raises:
        ValueError: a seed appears twice, or the seeds were scored on different validation sets.
    """
    judged, first = judge_runs(runs, profile), runs[0]
    scores = [bpb for bpb in judged.scores if bpb is not None]
    return BoardEntry(
        name=first.row,
        sweep=first.sweep,
        source="golfsweep",
        runs=judged.runs,
        scores=scores,
        track=judged.track,
        arrival=max([run.stage for run in runs]),
        validation_set=first.text,
        bpb_per_nat=_bpb_per_nat(runs),
        moments=moments(scores, 1) if scores else None,
        unchecked=_list_unchecked(runs, scores),
        columns=fill_from_runs(judged),
        trainings={
            training: bpb
            for run, bpb in zip(judged.runs, judged.scores, strict=True)
            if (training := run.weights or run.artifact) is not None and bpb is not None
        },
    )


def build_imported_entry(record: ImportedEntry) -> BoardEntry:
    """Build the entry of a public record."""
    scores = [bpb for bpb in record.seeds.values() if bpb is not None]
    unchecked = ["the scorer", "the artifact", "documents and bytes scored"]
    return BoardEntry(
        name=record.name,
        sweep="",
        source="import",
        runs=(),
        scores=scores,
        track=record.track,
        arrival=(math.inf if record.day is None else record.day, 0),
        pull_request=record.pull_request,
        evidence_time=record.evidence_time,
        barred=any(finding.code == IMPLAUSIBLE_GAIN for finding in record.findings),
        validation_set=None,
        bpb_per_nat=record.bpb_per_nat,
        moments=moments(scores, 1) if scores else None,
        unchecked=[*unchecked, *(["noise of seeds"] if len(scores) < 2 else [])],
        columns=fill_from_record(record),
        trainings={},
    )


def _bpb_per_nat(runs: Sequence[Evaluation]) -> float | None:
    """From the validation set's sizes, or, of a script, the mean of what its lines give."""
    if (known := runs[0].text.bpb(1.0)) is not None:
        return known
    printed = [run.bpb_per_nat for run in runs if run.bpb_per_nat is not None]
    return sum(printed) / len(printed) if len(printed) == len(runs) else None


def _list_unchecked(runs: Sequence[Evaluation], scores: Sequence[float]) -> list[str]:
    unchecked = []
    if not all([run.audited for run in runs]):
        unchecked.append("the scorer: no audit has tested it from outside")
    elif without := sum(run.own_audit is False for run in runs):
        unchecked.append(f"the scorer on the artifacts of {without} of {len(runs)} seeds")
    if runs[0].text.documents is None:
        unchecked.append("documents and bytes scored")
    if len(runs) < 2:
        unchecked.append("noise of seeds")
    elif len(set(scores)) == 1:
        unchecked.append("noise of seeds: all gave the same score")
    machines = {run.machine or "an unknown machine" for run in runs}
    if elsewhere := sorted({machine.split(",")[0] for machine in machines if CONTEST_GPU not in machine}):
        unchecked.append(f"not timed on contest hardware (ran on {', '.join(elsewhere)})")
    if not any([run.code for run in runs]):
        unchecked.append("the version of the code")
    return unchecked
