"""Entries of own sweeps: each seed's log is read as a record's log is, by the contest's reader."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.store import EntryRecord, SweepRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import contest_named
from sweeps.contests.contest import Contest
from sweeps.contests.log import TrainingLog
from sweeps.contests.readers import READERS
from sweeps.entries.checking import judge_evidence
from sweeps.entries.facts import SweepFacts, contest_of
from sweeps.entries.lost import Lost, LostKind
from sweeps.entries.shape import read_entries
from sweeps.entries.superseded import is_current
from sweeps.standings.entry import ContestEntry, entry_of
from sweeps.standings.files.folders import ContestRun, EntryFolder
from sweeps.standings.findings import choose_contest_track, judge_contest_record
from sweeps.standings.record import ContestRecord

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
LOGS = 2_000
"""Logs that stay in memory as they were read."""


def read_own_entries(contest: Contest, place: Workplace, lost: Lost) -> Iterator[ContestEntry]:
    """The entries of all sweeps of a contest.

    Args:
        contest: by whose reader logs are read, and by whose rules they are judged.
        place: the home.
        lost: collects which logs could not be read; those runs are left out.
    """
    sweeps = {sweep.name: sweep for sweep in place.store.sweeps() if contest_of(sweep) == contest.name}
    entries = [entry for name in sweeps for entry in read_entries(place.store, name) if is_current(entry)]
    contradictions = judge_evidence(entries, place, lost)
    for entry in entries:
        built = _build(entry, sweeps[entry.sweep], contest, place, lost)
        if (finding := contradictions.get((entry.sweep, entry.name))) is not None:
            findings = (*built.findings, finding)
            built = replace(built, findings=findings, track=choose_contest_track(findings))
        yield built


def _build(entry: EntryRecord, sweep: SweepRecord, contest: Contest, place: Workplace, lost: Lost) -> ContestEntry:
    runs = tuple(_read_runs(entry, contest, place, lost))
    baseline = SweepFacts.of(sweep).baseline
    folder = EntryFolder(
        name=entry.name,
        place=entry.sweep,
        runs=runs,
        copies=(),
        oddities=(),
        claim=None,
        date=datetime.fromtimestamp(sweep.created, UTC).date().isoformat(),
        compared_with=f"{entry.sweep}/{baseline}" if isinstance(baseline, str) and baseline != entry.name else None,
    )
    record = ContestRecord(folder=folder, contest=contest)
    built = entry_of(record, judge_contest_record(record))
    evaluations = entry.content["evaluations"]
    costs = [evaluation.get("cost") for evaluation in evaluations]
    return replace(
        built,
        sweep=entry.sweep,
        source="golfsweep",
        machine=_find_host(entry, place),
        trials=max((evaluation.get("trials") or 0 for evaluation in evaluations), default=0),
        dollars=None if not costs or None in costs else sum(costs),
    )


def _read_runs(entry: EntryRecord, contest: Contest, place: Workplace, lost: Lost) -> Iterator[ContestRun]:
    """A run for each seed; for a contest without seeds it is the number of a replicate."""
    for seed, evidence in entry.evidence["seeds"].items():
        digest = str(evidence.get("log"))
        if not _DIGEST.fullmatch(digest):
            lost.note(LostKind.LOG, f"{entry.sweep}/{entry.name}")
            continue
        try:
            yield ContestRun(name=seed, path=f"seed {seed}", log=_read_log(place.files, digest, contest.name))
        except Unreadable:
            lost.note(LostKind.LOG, f"{entry.sweep}/{entry.name}")


@lru_cache(maxsize=LOGS)
def _read_log(files: FileStore, digest: str, contest: str) -> TrainingLog:
    table = contest_named(contest).log
    assert table is not None
    return READERS[table.reader](table, files.get(digest).splitlines(keepends=True))


def _find_host(entry: EntryRecord, place: Workplace) -> str | None:
    """The machine on which all scored runs of an entry ran; None where there were several."""
    keys = [seed["jobs"].get(seed.get("scored")) for seed in entry.evidence["seeds"].values()]
    hosts = {None if key is None else _last_host(place, key) for key in keys}
    return hosts.pop() if len(hosts) == 1 else None


def _last_host(place: Workplace, key: str) -> str | None:
    attempts: Sequence[str] = [attempt.host for attempt in place.store.attempts(key)]
    return attempts[-1] if attempts else None
