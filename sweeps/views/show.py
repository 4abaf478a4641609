"""All that is known of one job, of an entry, or of the jobs behind a sweep's name, as plain data."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cluster.policy.retry import RULES
from golf.errors import InputError, shown_name
from jobs.errors import Unreadable
from jobs.events import Failure
from jobs.stages.registry import stage_of
from jobs.stages.stage import title_of
from jobs.state import AttemptState, JobState
from jobs.store import EntryRecord, JobRecord, Store, SweepRecord
from jobs.workplace import Workplace
from sweeps.entries.names import EntryName, command_name, find_near, list_entries, match_entries, resolve_entry
from sweeps.views.wording import slot_unit

SCHEMA_VERSION = 1
"""Of a description as JSON; raised when a field changes its meaning."""
LEAST_DIGITS = 4


def describe(name: str, place: Workplace) -> dict[str, Any]:
    """Describe a sweep and its jobs in short, an entry or public record, or the job whose key begins so.

    Raises:
        InputError: nothing, or more than one job, has that name.
    """
    if (sweep := place.store.sweep(name)) is not None:
        return _describe_sweep(sweep, place.store)
    sweeps = place.store.sweeps()
    latest, known = sweeps[-1].name if sweeps else "", list_entries(place)
    entries = match_entries(name, known, latest)
    jobs = place.store.find_jobs(name) if len(name) >= LEAST_DIGITS else []
    if entries and (not jobs or name in [entry.name for entry in entries]):
        return _describe_entry(resolve_entry(name, known, latest=latest), place)
    if len(jobs) == 1:
        return _describe_job(jobs[0], place)
    if jobs:
        raise InputError(f"{shown_name(name)}: {len(jobs)} jobs begin with it; give more digits of a job's key")
    near = ", ".join(command_name(entry, known, latest=latest) for entry in find_near(name, known, latest))
    hint = f"did you mean {near}?" if near else "give a sweep, SWEEP/ENTRY, or the first digits of a job's key"
    raise InputError(f"{shown_name(name)}: no sweep, entry or job has that name; {hint}")


def _describe_sweep(sweep: SweepRecord, store: Store) -> dict[str, Any]:
    jobs = [
        {"key": job.key, "label": job.order.label, "state": job.state.value, "reason": job.reason}
        for job in store.jobs(sweep=sweep.name)
    ]
    facts = {"name": sweep.name, "state": sweep.state, "reason": sweep.reason, "gpu_hours": sweep.spent_hours}
    facts["unit"] = slot_unit(sweep)
    return {**facts, "file": sweep.spec["file"], "jobs": jobs}


def _describe_job(job: JobRecord, place: Workplace) -> dict[str, Any]:
    return {
        "key": job.key,
        "label": job.order.label,
        "stage": title_of(job.order.job.stage),
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
        "lost": [*_list_lost(job, place)],
        **_certificate(job, place),
    }


def _list_lost(job: JobRecord, place: Workplace) -> Iterator[str]:
    """A line for each output of a job that the file store does not have any more."""
    stage = stage_of(job.order.job)
    for name in stage.contents:
        digest = (job.outputs or {}).get(name)
        if digest is not None and not place.files.has(digest):
            again = "golfsweep run FILE makes it again" if name in stage.evidence else "nothing that is done needs it"
            yield f"{name} {digest[:12]}: not in the file store; {again}"


def _certificate(job: JobRecord, place: Workplace) -> dict[str, Any]:
    """The certificate that a finished job left, under its name; most stages leave none, and it may be lost."""
    digest = (job.outputs or {}).get("certificate")
    try:
        return {} if digest is None else {"certificate": json.loads(place.files.get(digest))}
    except Unreadable:
        return {}


def _describe_entry(name: EntryName, place: Workplace) -> dict[str, Any]:
    """An entry as on the leaderboard, its jobs in short, its certificate, and where its evidence contradicts it."""
    from sweeps.entries.audits import read_certificates
    from sweeps.entries.checking import verify_entry
    from sweeps.entries.lost import Lost
    from sweeps.entries.shape import read_entries

    if not name.sweep:
        return describe_record(name.name, place)
    entry = next(entry for entry in read_entries(place.store, name.sweep) if entry.name == name.name)
    mismatches = verify_entry(entry, place)
    shown = _leaderboard_line(entry, place) | {"jobs": _jobs_of(entry, place.store), "evidence": entry.evidence}
    shown |= {
        "updated": entry.updated,
        "seed_audits": entry.content.get("seed_audits", {}),
        "mismatches": [mismatch.line for mismatch in mismatches if mismatch.lost is None],
        "lost": [mismatch.line for mismatch in mismatches if mismatch.lost is not None],
    }
    certificates = read_certificates([entry], place.files, Lost())  # a lost one is said above
    return shown | ({"certificate": certificates[entry.name]} if certificates else {})


def _leaderboard_line(entry: EntryRecord, place: Workplace) -> dict[str, Any]:
    """An entry's columns on its sweep's leaderboard; for a superseded entry, why it is on no leaderboard."""
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.entries.facts import contest_of
    from sweeps.entries.reading import board_of
    from sweeps.entries.superseded import find_superseded, find_withdrawn

    if superseded := find_superseded([entry]):
        return {"name": entry.name, "sweep": entry.sweep, "superseded": superseded[0].line}
    if withdrawn := find_withdrawn([entry]):
        return {"name": entry.name, "sweep": entry.sweep, "withdrawn": withdrawn[0].line}
    record = place.store.sweep(entry.sweep)
    contest = DEFAULT if record is None else contest_of(record)
    if contest != DEFAULT:
        from sweeps.standings.reading import standings_of

        table = standings_of(contest_named(contest), place).rows(entry.sweep)
    else:
        table = board_of(entry.sweep, place).table()
    return next(row for row in table if (row["sweep"], row["name"]) == (entry.sweep, entry.name))


def describe_record(name: str, place: Workplace) -> dict[str, Any]:
    """A public record as on the leaderboard of its contest."""
    from sweeps.contests.catalog import DEFAULT, contest_named
    from sweeps.entries.names import name_records
    from sweeps.entries.reading import board_of
    from sweeps.standings.reading import standings_of

    contest = next(contest for contest, known in name_records(place.store.records()) if known == name)
    is_default = contest == DEFAULT
    rows = board_of(None, place).table() if is_default else standings_of(contest_named(contest), place).rows()
    return next(row for row in rows if (row["sweep"], row["name"]) in ((None, name), ("", name)))


def _jobs_of(entry: EntryRecord, store: Store) -> list[dict[str, Any]]:
    """Key and label of the jobs behind an entry, its audits last."""
    from sweeps.entries.form import job_keys

    jobs = [store.job(key) for key in job_keys(entry)]
    return [{"key": job.key, "label": job.order.label} for job in jobs if job is not None]


def explain(job: JobRecord, store: Store) -> str | None:
    """What happened to a job and what follows, in plain words; None while there is nothing to explain."""
    ended = [
        attempt
        for attempt in store.attempts(job.key)
        if attempt.state != AttemptState.RUNNING and attempt.number > job.attempts_before_request
    ]
    if not ended or job.state == JobState.DONE:
        return None
    last = ended[-1]
    if job.state == JobState.CANCELLED:
        return f'cancelled ({job.reason}); "golfsweep run" requests it again if its sweep needs it'
    times = f"{len(ended)} attempt{'s' if len(ended) > 1 else ''}"
    if last.failure is None:
        return f"after {times}, the last of which {last.reason or 'was ended'}, it continues from what was kept"
    meaning = RULES[Failure(last.failure)].meaning
    where = f" on {last.host}" if last.host else ""
    if job.state == JobState.FAILED:
        then = "its outputs were complete, and are used" if job.is_usable else '"golfsweep run" retries it'
        return f"failed after {times}, the last{where}: {meaning}; {then}"
    return f"retried after {times}, the last{where}: {last.reason}; {meaning}"


def last_words(job: JobRecord, store: Store, lines: int) -> list[str]:
    """The last lines of the log of a job's last failed attempt."""
    logs = [attempt.log for attempt in store.attempts(job.key) if attempt.log]
    return logs[-1].splitlines()[-lines:] if logs else []
