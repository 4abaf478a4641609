"""What stands above the entries of every page: how the sweep ended, when, and what failed in it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from golf.files import write_atomically
from jobs.stages.script import is_script_stage
from jobs.stages.stage import title_of
from jobs.state import JobState
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.entries import reading
from sweeps.entries.facts import SweepFacts
from sweeps.views.ending import describe_end, finished_at
from sweeps.views.report.sections import read_trials
from sweeps.views.status import state_of
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.verdicts.read_verdict import read_spent
from sweeps.views.verdicts.sweep_verdict import SweepVerdict

MOST_FAILURES = 5
"""Failed jobs that a report names."""
MINUTE = "%Y-%m-%d %H:%M UTC"


def describe_sweep(record: SweepRecord, rules: str, place: Workplace) -> str:
    """State, time, work, cost, rules and dates in a line.

    Args:
        record: the sweep.
        rules: by which its entries are judged, in a few words.
        place: where it is.
    """
    jobs = place.store.jobs(sweep=record.name)
    done = {stage: states.get(JobState.DONE, 0) for stage, states in place.store.stage_counts(record.name).items()}
    trials = sum(trial.value is not None for trial in read_trials(SweepFacts.of(record), place))
    ended = finished_at(record, jobs)
    parts = [
        *describe_end(state_of(record, place.store), record, jobs, read_spent(record, place)),
        describe_work(done, trials),
        f"rules: {rules}",
        *([] if ended is None else [f"finished {ended:{MINUTE}}"]),
        f"written {now()}",
    ]
    return " · ".join(parts)


def describe_work(done: Mapping[str, int], trials: int) -> str:
    """What was done, by the names that people know.

    Args:
        done: finished jobs by stage.
        trials: trials that have a score.
    """
    searched = [f"{trials} trials"] if trials else []
    if any(is_script_stage(stage) for stage in done):
        runs = [f"{count} {title_of(stage)} jobs" for stage, count in done.items() if is_script_stage(stage)]
        return ", ".join([*runs, *searched])
    return ", ".join([f"{done.get('train', 0)} trainings", *searched, f"{done.get('eval', 0)} evaluations"])


def list_failures(record: SweepRecord, place: Workplace, words: CommandWords, verdict: SweepVerdict) -> list[str]:
    """A line for each failed job, and what runs them again, if that is not the next step anyway."""
    failed = place.store.jobs(record.name, [JobState.FAILED])
    lines = [
        f"Failed: {job.order.label}: {job.reason} (golfsweep show {job.key[:12]})" for job in failed[:MOST_FAILURES]
    ]
    if len(failed) > MOST_FAILURES:
        lines.append(f"{len(failed) - MOST_FAILURES} more failed: golfsweep status {record.name}")
    is_next = verdict.next.command == words.retry()
    return [*lines, *([f"To run failed jobs again: {words.retry()}"] if failed and not is_next else [])]


def list_former(name: str, place: Workplace) -> list[str]:
    """A line for a sweep's entries that are not on its leaderboard any more."""
    superseded = [former.line for former in reading.superseded_of(place) if former.sweep == name]
    return superseded + [former.line for former in reading.withdrawn_of(place) if former.sweep == name]


def now() -> str:
    """This minute, as a page has it."""
    return datetime.now(UTC).strftime(MINUTE)


def write_page(path: Path, content: str) -> Path:
    """Write a page, and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content.encode())
    return path
