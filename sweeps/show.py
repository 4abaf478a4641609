"""All that is known of one job, or of the jobs behind a sweep's name, as plain data."""

from dataclasses import asdict
from typing import Any

from golf.errors import InputError
from jobs.store import JobRecord
from sweeps.session import Workplace

LEAST_DIGITS = 4


def describe(name: str, place: Workplace) -> dict[str, Any]:
    """Describe the job whose key begins so, or a sweep and its jobs in short.

    Raises:
        InputError: nothing, or more than one job, goes by that name.
    """
    if (sweep := place.store.sweep(name)) is not None:
        jobs = place.store.jobs(sweep=name)
        short = [{"key": job.key, "label": job.order.label, "state": job.state.value} for job in jobs]
        return {"name": sweep.name, "state": sweep.state, "file": sweep.spec["file"], "jobs": short}
    found = place.store.find_jobs(name) if len(name) >= LEAST_DIGITS else []
    if len(found) != 1:
        problem = f"{len(found)} jobs begin with it" if found else "no sweep and no job goes by it"
        raise InputError(f"{name}: {problem}; give a sweep's name or the first digits of a job's key")
    return _job(found[0], place)


def _job(job: JobRecord, place: Workplace) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": job.order.label,
        "kind": job.order.job.kind,
        "state": job.state.value,
        "reason": job.reason,
        "seed": job.order.job.seed,
        "settings": job.order.job.settings,
        "inputs": job.order.job.inputs,
        "machine": asdict(job.order.job.machine),
        "outputs": job.outputs,
        "seconds": job.seconds,
        "attempts": [asdict(attempt) for attempt in place.store.attempts(job.key)],
    }
