"""Writing the read model: a sweep's entries from its finished jobs, while it runs and when it ends."""

from collections.abc import Callable, Hashable, Mapping, Sequence

from golf.errors import InputError
from jobs.files import FileStore
from jobs.state import JobState
from jobs.store import EntryRecord, Store
from sweeps.driver.chain import JobChain
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.entries import form
from sweeps.entries.shape import read_entries
from sweeps.run.entry.building import build_entry
from sweeps.run.entry.measured import EntrySources


class EntryWriter:
    """Writes the entries of one sweep; what has not changed is neither built nor written again."""

    def __init__(self, sweep: Sweep, store: Store, files: FileStore) -> None:
        self._sweep, self._store, self._files = sweep, store, files
        self._built: dict[str, tuple[Hashable, EntryRecord]] = {}
        """Entries by name, each with the state of the jobs that it was built from."""
        self._finished: frozenset[str] | None = None
        """Keys of the finished jobs at the last look that no other job waits for: final evaluations and audits."""

    def update(self, snapshot: Snapshot) -> None:
        """Write entries if a final evaluation or an audit has finished since the last look."""
        done = [job for job in snapshot.jobs if job.state == JobState.DONE]
        finished = frozenset(job.key for job in done if not job.order.awaited)
        if finished != self._finished:
            self.write()
            self._finished = finished

    def write(self, *, final: bool = False) -> list[str]:
        """Write entries as the store's jobs have them now; returns the names of those that changed.

        While lost evidence is made again, an entry stays as it is until all of it is there, unless this is final.
        """
        driver = self._sweep.driver(self._store, read_only=True)
        seeds: dict[str, list[JobChain]] = {}
        for chain in driver.confirmed():
            seeds.setdefault(chain.entry, []).append(chain)
        audits, seed_audits = driver.audits(), driver.further_audits()
        tried = sum(trial.value is not None for trial in driver.trials())
        further: dict[str, list[JobChain]] = {}
        for chain in driver.trained_only():
            further.setdefault(chain.entry, []).append(chain)
        entries = [
            self._entry(
                EntrySources(
                    position=position,
                    chains=chains,
                    audit=audits.get(name),
                    tried=tried,
                    further=further.get(name, []),
                    seed_audits=seed_audits.get(name, {}),
                )
            )
            for position, (name, chains) in enumerate(seeds.items())
        ]
        name, stored = self._sweep.spec.name, self._store.sweep(self._sweep.spec.name)
        assert stored is not None
        before = {entry.name: entry for entry in read_entries(self._store, name)}
        if not final and not self._store.are_done({key for entry in before.values() for key in form.job_keys(entry)}):
            entries = _keep_complete(before, entries)
        spec = None if "board" in stored.spec else self._sweep.to_json()
        return self._store.put_entries(name, entries, version=form.VERSION, spec=spec)

    def _entry(self, sources: EntrySources) -> EntryRecord:
        name, state = sources.name, sources.state
        if name not in self._built or self._built[name][0] != state:
            self._built[name] = (state, build_entry(self._sweep, self._store, self._files, sources))
        return self._built[name][1]


def _keep_complete(before: Mapping[str, EntryRecord], entries: Sequence[EntryRecord]) -> list[EntryRecord]:
    """Entries as they are built now, and as they were where they now lack a seed, an audit or everything."""
    now = {entry.name: entry for entry in entries}
    return [
        before[name] if name in before and (name not in now or _lacks(now[name], before[name])) else now[name]
        for name in {**now, **before}
    ]


def _lacks(entry: EntryRecord, before: EntryRecord) -> bool:
    lost_audit = not form.audits_of(before).keys() <= form.audits_of(entry).keys()
    return lost_audit or not before.evidence["seeds"].keys() <= entry.evidence["seeds"].keys()


def build_missing(store: Store, files: FileStore, say: Callable[[str], None]) -> None:
    """Write the entries of sweeps that an earlier version of golfsweep ran, once.

    Args:
        store: where the sweeps are.
        files: where their contents are.
        say: called with a line for each of them.
    """
    for record in filter(form.is_outdated, store.sweeps()):
        try:
            sweep = Sweep.from_json(record.spec)
        except InputError as error:
            say(f"{'; '.join(error.problems)}; its entries are not shown.")
            store.put_entries(record.name, [], version=form.VERSION)
            continue
        say(f"Sweep {record.name} was run by an earlier version of golfsweep; writing its leaderboard entries once.")
        EntryWriter(sweep, store, files).write()
