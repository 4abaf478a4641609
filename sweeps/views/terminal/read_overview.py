"""The overview of a sweep as it stands in a home, for `run` and `leaderboard`."""

from collections.abc import Sequence
from functools import partial

from jobs.state import JobState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.contests.contest import Contest
from sweeps.views.ending import describe_end
from sweeps.views.status import state_of
from sweeps.views.terminal.entries.score_columns import score_columns
from sweeps.views.terminal.entries.standing_columns import standing_columns
from sweeps.views.terminal.overview import Overview, Row
from sweeps.views.verdicts.known_names import baseline_of, words_for
from sweeps.views.verdicts.read_verdict import read_spent, read_verdict
from sweeps.views.verdicts.sweep_verdict import SweepVerdict

RECORDS = "public records"
MOST_FAILURES = 2


def read_overview(
    name: str | None,
    rows: Sequence[Row],
    place: Workplace,
    *,
    contest: Contest | None = None,
    home_options: str = "",
    report: str | None = None,
    with_failures: bool = True,
) -> Overview:
    """What `run` and `leaderboard` show.

    Args:
        name: the sweep; None for public records alone.
        rows: entries of its leaderboard.
        place: where it is.
        contest: that of the rows, where they are standings of a contest with a target.
        home_options: what was typed to reach that place.
        report: why there is no report; None where there is one.
        with_failures: whether to list what failed.
    """
    verdict = read_verdict(name, rows, place, home_options, contest)
    commands = words_for(name or "", place, home_options, "" if contest is None else contest.name)
    record = None if name is None else place.store.sweep(name)
    baseline = None if record is None else baseline_of(record.name, place)
    if contest is None:
        columns = partial(score_columns, baseline=baseline, score=beaten_score(verdict))
    else:
        columns = partial(standing_columns, contest=contest, baseline=baseline, sweep=name)
    if record is None:
        number = f"{len(rows)} entr{'y' if len(rows) == 1 else 'ies'}"
        head = [RECORDS, number] if contest is None else [contest.title, number]
        return Overview(verdict=verdict, rows=rows, choose_columns=columns, commands=commands, head=head)
    jobs = place.store.jobs(sweep=record.name)
    ending = describe_end(state_of(record, place.store), record, jobs, read_spent(record, place))
    return Overview(
        verdict=verdict,
        rows=rows,
        choose_columns=columns,
        commands=commands,
        head=[record.name, *ending],
        failures=_list_failures(jobs) if with_failures else (),
        report=report,
    )


def beaten_score(verdict: SweepVerdict) -> float | None:
    """The score that the leader's gain is over."""
    if verdict.gain is None or verdict.score is None:
        return None
    return verdict.score + verdict.gain / verdict.measure.changes_per_unit


def _list_failures(jobs: Sequence[JobRecord]) -> list[str]:
    """A line for each of the first failed jobs, and the number of the others."""
    failed = [job for job in jobs if job.state == JobState.FAILED]
    lines = [f"{job.order.label} ({job.key[:12]}): {job.reason}" for job in failed[:MOST_FAILURES]]
    return lines if len(failed) <= MOST_FAILURES else [*lines, f"and {len(failed) - MOST_FAILURES} more jobs"]
