"""Handing a sweep over to a service, and following it: others drive it and run its jobs, and outlive this process."""

import json
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from golf.errors import InputError
from golf.files import read_regular
from jobs.errors import StoreUnavailable, WrongState
from jobs.machine import stopping
from jobs.remote.store import JSON
from jobs.state import EventKind, SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.helping import JUDGED
from sweeps.run.patience import Patience
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.code import MOST_BYTES
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.recipe import ScriptRecipe
from sweeps.views.following import follow_sweep

LOOK_SECONDS = 1.0
MOST_FILE_BYTES = 2**20
OVER = (EventKind.SWEEP_ENDED, EventKind.SWEEP_CANCELLED)
CLOSED = ("ended", "cancelled")
"""States of a submission that nobody takes up any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HandedOver:
    """A sweep that a service has taken."""

    sweep: str
    version: int
    state: str
    """Of the submission: queued, taken, ended, …"""
    ticket: str
    since: int
    """Number of the last event before it was handed over."""


def hand_over(
    spec: SweepSpec,
    file: Path,
    assignments: Sequence[str],
    place: Workplace,
    *,
    tags: Collection[str] = (),
    agent: str | None = None,
) -> HandedOver:
    """Send a sweep's file and its script's files; a file that the service has already is the same sweep.

    Args:
        spec: the sweep, checked.
        file: where it is.
        assignments: `--set` values.
        place: at the service.
        tags: added to the sweep's.
        agent: name of the agent that hands it over; None for a person.

    Raises:
        InputError: a file cannot be read, or the service refuses the sweep.
        StoreUnavailable: the service does not answer.
    """
    text = read_regular(file, MOST_FILE_BYTES, "expected a sweep file").decode(errors="replace")
    since = place.store.last_event()
    digests = {path: place.files.put(read_regular(Path(path), MOST_BYTES, "expected a file")) for path in _files(spec)}
    body = {"file": text, "set": list(assignments), "files": digests, "tags": sorted(tags), "agent": agent}
    assert place.connection is not None, "whoever hands over is at a service"
    answer = place.connection.send("POST", "/sweeps", json.dumps(body).encode(), JSON)
    try:
        content = json.loads(answer.content)
        handed = HandedOver(
            sweep=content["sweep"],
            version=content["version"],
            state=content["state"],
            ticket=content["ticket"],
            since=since,
        )
    except (ValueError, KeyError, TypeError):
        raise InputError(f"server {place.server}: its answer has another form; use the same version there") from None
    return _resume(handed, place.store) if handed.state in CLOSED else handed


def _resume(handed: HandedOver, store: Store) -> HandedOver:
    """Have a sweep driven once more that came to an end before it was done, as the same command does elsewhere."""
    try:
        return replace(handed, state=store.resume_sweep(handed.sweep).state)
    except WrongState:  # it is done
        return handed


def follow(
    handed: HandedOver, place: Workplace, show: Callable[[Snapshot, float | None], None], say: Callable[[str], None]
) -> Snapshot:
    """Follow a sweep until somebody has ended it.

    Args:
        handed: the sweep.
        place: at the service.
        show: called with every look at it.
        say: called with what else a person should know.

    Raises:
        InputError: it was cancelled before it began.
        StoreUnavailable: the service did not answer for `sweeps.run.patience.AWAY_SECONDS`.
    """
    name, store, outage = handed.sweep, place.store, Patience(say)
    ending, has_waited = _Ending(store, name, handed.since), False
    while True:
        stopping.raise_if_stopped()
        try:
            if handed.state in CLOSED or ending.has_come():
                return _last_snapshot(name, store)
            if _runs(name, store):
                for snapshot in follow_sweep(name, store):
                    stopping.raise_if_stopped()
                    show(snapshot, None)
            elif not has_waited:
                has_waited = True
                say(
                    f'Sweep "{name}", version {handed.version}, is {handed.state} (ticket {handed.ticket}); a process '
                    "with golfsweep run --queue at the service takes it up. Ctrl-C stops following it alone."
                )
            outage.end()
            time.sleep(LOOK_SECONDS)
        except StoreUnavailable as error:
            outage.wait(error, time.sleep)


class _Ending:
    """Whether a sweep has ended since an event."""

    def __init__(self, store: Store, sweep: str, since: int) -> None:
        self._store, self._sweep, self._seen = store, sweep, since

    def has_come(self) -> bool:
        """Look at what has happened since the last look."""
        while events := self._store.events(self._seen, self._sweep):
            self._seen = events[-1].id
            if any(event.kind in OVER and event.sweep == self._sweep for event in events):
                return True
        return False


def _runs(name: str, store: Store) -> bool:
    record = store.sweep(name)
    return record is not None and record.state == SweepState.RUNNING and store.driver_of(name) is not None


def _last_snapshot(name: str, store: Store) -> Snapshot:
    record = store.sweep(name)
    if record is None:
        raise InputError(f"sweep {name}: was cancelled before it began; run the same command again to start it")
    snapshot = Sweep.from_json(record.spec).driver(store, read_only=True).step()
    reason = None if record.state in JUDGED else ": ".join(filter(None, (record.state, record.reason)))
    return replace(snapshot, ended=reason)


def _files(spec: SweepSpec) -> Iterator[str]:
    """Paths of a script's files, as the sweep file names them."""
    if not isinstance(spec.kind, ScriptKind):
        return
    section = spec.kind.tables.script
    recipes: list[Any] = [spec.recipe, *(arm.recipe for arm in spec.arms)]
    patches = [recipe.patch for recipe in recipes if isinstance(recipe, ScriptRecipe) and recipe.patch is not None]
    yield from dict.fromkeys([section.file, *section.files, *patches])
