"""The time left of a running sweep: its plan, corrected by how long its finished jobs took."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.driver.snapshot import Snapshot
from sweeps.planning.plan import SweepPlan

TRUST = 0.1
"""Share of the planned work that the plan's own figures count as, against those of finished jobs."""

COMPLETE = ("confirm", "done")
"""Phases in which a snapshot counts all jobs that are still to come; before, nobody knows the search's best trials."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RemainingTime:
    """What is left of a plan."""

    planned: Mapping[str, Sequence[float]]
    """Slot-seconds of each job that had to run, by stage, in the order in which they are requested."""
    seconds: float
    """Of the whole plan, from start to end."""
    reused: frozenset[str]
    """Keys of jobs that were finished when the plan was made."""

    @classmethod
    def of(cls, plan: SweepPlan) -> "RemainingTime | None":
        """What is left at the start; None where the duration of some jobs is unknown, or only limits are known."""
        if any(plan.estimates[key].seconds is None for key in plan.dry_run.spans) or plan.certainty().low == 0.0:
            return None
        planned: dict[str, list[float]] = defaultdict(list)
        for job in plan.dry_run.jobs:
            if (span := plan.dry_run.spans.get(job.key)) is not None:
                planned[job.order.job.stage].append(len(span.slots) * (span.end - span.start))
        reused = frozenset(job.key for job in plan.dry_run.jobs if job.key not in plan.estimates)
        return cls(planned=planned, seconds=plan.dry_run.totals.seconds, reused=reused)

    def after(self, snapshot: Snapshot) -> float:
        """Seconds left of a sweep that stands so."""
        planned = {stage: list(each) for stage, each in self.planned.items()}
        total, expected, taken, begun = sum(map(sum, planned.values())), 0.0, 0.0, 0.0
        finished = [job for job in snapshot.jobs if job.state == JobState.DONE and job.seconds is not None]
        for job in sorted(finished, key=lambda job: job.finished or 0.0):
            if job.key not in self.reused and (each := planned.get(job.order.job.stage)):
                expected += each.pop(0)
                taken += slot_seconds(job)
        for job in snapshot.running:
            if each := planned.get(job.order.job.stage):
                begun += job.fraction * each[0]
        if snapshot.phase in COMPLETE:
            for stage, each in planned.items():
                del each[snapshot.to_come.get(stage, 0) :]
        left = max(0.0, sum(map(sum, planned.values())) - begun)
        pace = (taken + TRUST * total) / (expected + TRUST * total) if total else 1.0
        return pace * left * (self.seconds / total if total else 0.0)


def slot_seconds(job: JobRecord) -> float:
    """What a finished job took of its slots."""
    assert job.seconds is not None
    return job.seconds * job.order.slots
