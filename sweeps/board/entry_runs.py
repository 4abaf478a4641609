"""The evaluations of one entry together: the worst of its seeds under each profile, its findings and its track."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sweeps.board.evaluation import Evaluation
from sweeps.board.rules import Measurements, Profile, RuleFinding, Track, choose_track, judge_measurements

CLOCKS: Mapping[Profile, tuple[str, str]] = {
    "accepted": ("train.train_seconds", "eval.eval_seconds"),
    "strict": ("train.process_seconds", "eval.process_seconds"),
}
"""The clocks of training and evaluation that each profile compares with the limits."""


class WorstSeed(NamedTuple):
    """The largest size and times of any seed, as a profile counts them."""

    bytes: int | None
    train_seconds: float | None
    eval_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class EntryRuns:
    """One recipe's evaluations, judged under a profile."""

    runs: Sequence[Evaluation]
    """One for each seed."""
    first: Evaluation
    """Stands for what all seeds share."""
    scores: Sequence[float | None]
    """Bits per byte, in the order of `runs`; None where it is unknown."""
    profile: Profile
    worst: Mapping[Profile, WorstSeed]
    slowest: Mapping[str, float]
    """Clock → the most seconds that any seed took."""
    findings: tuple[RuleFinding, ...]
    track: Track

    @property
    def largest(self) -> Evaluation:
        """The seed with the most bytes under the profile."""
        most = self.worst[self.profile].bytes
        return next(run for run in self.runs if count_bytes(run, self.profile) == most)


def judge_runs(runs: Sequence[Evaluation], profile: Profile) -> EntryRuns:
    """Judge one recipe's evaluations by the worst of its seeds.

    Raises:
        ValueError: a seed appears twice, or the seeds were scored on different validation sets.
    """
    first = runs[0]
    if len({run.seed for run in runs}) < len(runs):
        raise ValueError(f"{first.row}: a seed appears twice; expected one evaluation for each recipe and seed")
    if any([run.text is not first.text and run.text != first.text for run in runs]):
        raise ValueError(f"{first.row}: its seeds were scored on different validation sets")
    slowest = _find_slowest(runs)
    worst = {
        rules: WorstSeed(_most([count_bytes(run, rules) for run in runs]), slowest.get(train), slowest.get(evaluation))
        for rules, (train, evaluation) in CLOCKS.items()
    }
    measured = Measurements(
        total_bytes=worst[profile].bytes,
        limit_bytes=first.limit_bytes,
        train_seconds=worst[profile].train_seconds,
        eval_seconds=worst[profile].eval_seconds,
        whole_set=all([run.whole_set is not False for run in runs]),
        fresh_seeds=all([run.fresh_seed for run in runs]),
    )
    reported = {finding: None for run in runs for finding in run.findings}
    findings = (*reported, *judge_measurements(measured))
    return EntryRuns(
        runs=tuple(runs),
        first=first,
        scores=[run.bpb for run in runs],
        profile=profile,
        worst=worst,
        slowest=slowest,
        findings=findings,
        track=choose_track(findings, profile),
    )


def count_bytes(run: Evaluation, profile: Profile) -> int | None:
    """Bytes of model and code; None where those of the model are not known."""
    return None if run.model_bytes is None else run.model_bytes + count_code_bytes(run, profile)


def count_code_bytes(run: Evaluation, profile: Profile) -> int:
    """Bytes of code that a profile counts: the code as written under `strict`, as shipped under `accepted`."""
    return run.source_bytes if profile == "strict" and run.source_bytes is not None else run.code_bytes


def _find_slowest(runs: Sequence[Evaluation]) -> dict[str, float]:
    clocks = [run.clocks for run in runs]
    return {name: max([seconds.get(name, 0.0) for seconds in clocks]) for name in clocks[0]}


def _most(sizes: Sequence[int | None]) -> int | None:
    """The largest of all; None where one is not known."""
    known = [size for size in sizes if size is not None]
    return max(known) if len(known) == len(sizes) else None
