"""Which score of which step counts for an entry.

1. A log with several trainings has no score, since nothing says which counts; nor has a log of another contest.
2. The step is the one that is claimed, if every log has a validation there. Otherwise, where entries are ranked by
   steps, it is the earliest step of all logs at which the rule is passed; else their last common step.
3. The score is the contest's metric, unless the claimed mean is that of another score that the logs print.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from sweeps.contests.contest import Contest
from sweeps.contests.log import Validation
from sweeps.records.arithmetic import is_mean
from sweeps.standings.files.folders import ContestRun, EntryFolder
from sweeps.standings.rules import apply_rule


@dataclass(frozen=True, kw_only=True)  # without slots: cached properties are kept in its __dict__
class ContestRecord:
    """An entry's folder, with the step and score that count."""

    folder: EntryFolder
    contest: Contest

    @cached_property
    def runs(self) -> list[ContestRun]:
        """The runs that count: those whose log holds one training, of this contest."""
        return [run for run in self.folder.runs if run.log.trainings == 1 and not run.log.foreign]

    @cached_property
    def common_steps(self) -> list[int]:
        """Steps at which every run has the contest's score, ascending."""
        steps = [self._steps_of(run, self.contest.score.metric) for run in self.runs]
        return sorted(set.intersection(*steps)) if steps else []

    @cached_property
    def step(self) -> int | None:
        """The step that counts."""
        claim = self.folder.claim
        if claim is not None and claim.steps in self.common_steps:
            return claim.steps
        if self.contest.ranked.by == "steps":
            passing = (step for step in self.common_steps if self.passes_at(step))
            if (earliest := next(passing, None)) is not None:
                return earliest
        return self.common_steps[-1] if self.common_steps else None

    @cached_property
    def metric(self) -> str:
        """The score that counts."""
        own, claim = self.contest.score.metric, self.folder.claim
        if self.step is None or claim is None or claim.mean is None:
            return own
        fitting = (
            name
            for name in (own, *self.contest.score.others)
            if is_mean_of(claim.mean, self.scores_at(self.step, name))
        )
        return next(fitting, own)

    @property
    def validations(self) -> dict[str, Validation]:
        """Run → its validation at the step that counts."""
        return {} if self.step is None else {run.name: run.log.validations[self.step] for run in self.runs}

    @property
    def scores(self) -> list[Decimal]:
        """The scores that count."""
        return [] if self.step is None else self.scores_at(self.step, self.metric)

    def scores_at(self, step: int, metric: str) -> list[Decimal]:
        """Scores of all runs at a step; empty where one run lacks it."""
        scores = [run.log.validations[step].scores.get(metric) for run in self.runs if step in run.log.validations]
        known = [score for score in scores if score is not None]
        return known if len(known) == len(self.runs) else []

    def passes_at(self, step: int) -> bool:
        """Whether the contest's score passes the rule at a step."""
        return apply_rule(self.contest, self.scores_at(step, self.contest.score.metric)).passed is True

    def by_gpu(self) -> Iterator[tuple[str, list[ContestRun]]]:
        """The runs by the name of their GPUs; those whose log names none stand last."""
        names = dict.fromkeys(run.log.gpu for run in self.runs)
        for name in sorted(names, key=lambda name: (name is None, name or "")):
            yield name or "an unknown GPU", [run for run in self.runs if run.log.gpu == name]

    @staticmethod
    def _steps_of(run: ContestRun, metric: str) -> set[int]:
        return {step for step, validation in run.log.validations.items() if metric in validation.scores}


def is_mean_of(claimed: Decimal, scores: Sequence[Decimal]) -> bool:
    """Whether a claimed mean is that of some scores, of which there may be none."""
    return bool(scores) and is_mean(claimed, scores)
