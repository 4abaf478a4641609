"""All that is known of one job, of a row, or of the jobs behind a sweep's name, as plain data."""

import json
from dataclasses import asdict
from typing import Any

from cluster.policy.retry import RULES
from golf.errors import InputError
from jobs.events import Failure
from jobs.state import AttemptState, JobState
from jobs.store import JobRecord, Store
from jobs.workplace import Workplace
from sweeps.board.leaderboard import to_json
from sweeps.run import results
from sweeps.spec.sweep import Sweep

LEAST_DIGITS = 4


def describe(name: str, place: Workplace) -> dict[str, Any]:
    """Describe the job whose key begins so, a row named SWEEP/ROW, or a sweep and its jobs in short.

    Raises:
        InputError: nothing, or more than one job, goes by that name.
    """
    if "/" in name:
        return _row(name, place)
    if (sweep := place.store.sweep(name)) is not None:
        jobs = place.store.jobs(sweep=name)
        short = [
            {"key": job.key, "label": job.order.label, "state": job.state.value, "reason": job.reason} for job in jobs
        ]
        facts = {"name": sweep.name, "state": sweep.state, "reason": sweep.reason, "gpu_hours": sweep.spent_hours}
        return {**facts, "file": sweep.spec["file"], "jobs": short}
    found = place.store.find_jobs(name) if len(name) >= LEAST_DIGITS else []
    if len(found) != 1:
        problem = f"{len(found)} jobs begin with it" if found else "no sweep and no job goes by it"
        raise InputError(f"{name}: {problem}; give a sweep, SWEEP/ROW, or the first digits of a job's key")
    return _job(found[0], place)


def _job(job: JobRecord, place: Workplace) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": job.order.label,
        "stage": job.order.job.stage,
        "state": job.state.value,
        "reason": job.reason,
        "explanation": explain(job, place.store),
        "seed": job.order.job.seed,
        "settings": job.order.job.settings,
        "inputs": job.order.job.inputs,
        "machine": asdict(job.order.job.machine),
        "outputs": job.outputs,
        "seconds": job.seconds,
        "attempts": [asdict(attempt) for attempt in place.store.attempts(job.key)],
        **_certificate(job, place),
    }


def _certificate(job: JobRecord, place: Workplace) -> dict[str, Any]:
    """The certificate that a finished audit left, under its name."""
    if "certificate" not in (job.outputs or {}):
        return {}
    assert job.outputs is not None
    return {"certificate": json.loads(place.files.get(job.outputs["certificate"]))}


def _row(name: str, place: Workplace) -> dict[str, Any]:
    """A confirmed row as on the leaderboard, its jobs in short, and its certificate."""
    sweep_name, row_name = name.split("/", 1)
    record = place.store.sweep(sweep_name)
    if record is None:
        raise InputError(f'{name}: no sweep "{sweep_name}"; give SWEEP/ROW with a row of its leaderboard')
    sweep = Sweep.from_json(record.spec)
    rows = [row for row in to_json(results.frame_of(sweep, place))["rows"] if row["source"] == "golfsweep"]
    row: dict[str, Any] | None = next((row for row in rows if row["name"] == row_name), None)
    if row is None:
        known = ", ".join(row["name"] for row in rows) or "none yet"
        raise InputError(f'{name}: no row "{row_name}" in sweep {sweep_name}; there are: {known}')
    driver = sweep.driver(place.store, read_only=True)
    driver.step()
    audit = driver.audits().get(row_name)
    jobs = [job for chain in driver.confirmed() if chain.entry == row_name for job in chain.jobs.values()]
    short = {job.key: {"key": job.key, "label": job.order.label} for job in [*jobs, *([audit] if audit else [])]}
    return row | {"jobs": list(short.values())} | (_certificate(audit, place) if audit else {})


def explain(job: JobRecord, store: Store) -> str | None:
    """What became of a job, and what follows, in plain words; None while there is nothing to explain."""
    ended = [
        one
        for one in store.attempts(job.key)
        if one.state != AttemptState.RUNNING and one.number > job.attempts_before_request
    ]
    if not ended or job.state == JobState.DONE:
        return None
    last = ended[-1]
    if job.state == JobState.CANCELLED:
        return f'cancelled ({job.reason}); "golfsweep run" asks for it again where its sweep needs it'
    times = f"{len(ended)} attempt{'s' if len(ended) > 1 else ''}"
    if last.failure is None:
        return f"after {times}, the last of which {last.reason or 'was ended'}, it goes on from what was kept"
    meaning = RULES[Failure(last.failure)].meaning
    where = f" on {last.host}" if last.host else ""
    if job.state == JobState.FAILED:
        return f'failed after {times}, the last{where}: {meaning}; "golfsweep run" tries again'
    return f"tried again after {times}, the last{where}: {last.reason}; {meaning}"


def last_words(job: JobRecord, store: Store, lines: int) -> list[str]:
    """The last lines of the log of a job's last failed attempt."""
    logs = [attempt.log for attempt in store.attempts(job.key) if attempt.log]
    return logs[-1].splitlines()[-lines:] if logs else []
