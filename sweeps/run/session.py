"""Running a sweep here and now: its driver, and a part in scheduling the cluster that is given."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cluster.executor import Executor, Opening
from cluster.executors.local import machine_cluster
from cluster.registry import join_cluster, open_executor, quarantine_hint
from golf.errors import InputError
from jobs.errors import LostLease, StoreUnavailable
from jobs.machine import environment, stopping
from jobs.machine.host import process_name
from jobs.paths import Home
from jobs.secrets import hide_passwords
from jobs.spec import Machine
from jobs.state import JobState, SweepState
from jobs.store import JobRecord, Store
from jobs.workplace import Workplace
from sweeps.driver.driver import Driver
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.entries import EntryWriter
from sweeps.run.lease import DriverLease
from sweeps.run.roles import Scheduling, machine_of
from sweeps.spec.dataset import open_dataset
from sweeps.spec.file import SweepSpec, check_documents
from sweeps.views.terminal.progress import seconds_left

STEP_SECONDS = 0.5
AWAY_SECONDS = 600.0
"""How long a database or file store may be unavailable before the sweep stops; running jobs go on meanwhile."""


def open_scheduling(place: Workplace, *, executor: str, widest: int, joined: Executor | None) -> Scheduling:
    """This process's part in scheduling the cluster that it joined, or this machine with an executor of its own."""

    def open_own() -> Executor:
        if joined is not None:
            return joined
        return open_executor(executor, Opening(widest=widest, home=place.home.root))

    cluster = machine_cluster() if joined is None else joined.cluster
    return Scheduling(place.store, place.files, place.home, cluster, open_own)


def resolve(spec: SweepSpec, home: Home, machine: Machine) -> Sweep:
    """Open a sweep's data and make sure that its recipes fit them.

    Raises:
        InputError: data are missing or damaged, or a model has another vocabulary than the tokenizer.
    """
    data = open_dataset(spec.data.tokens, spec.data.tokenizer, spec.data.tuning_documents, home.demo)
    for name, recipe in [("recipe", spec.recipe), *((f'arm "{arm.name}"', arm.recipe) for arm in spec.arms)]:
        if recipe.train.model.vocab_size != data.vocab_size:
            vocab_size = recipe.train.model.vocab_size
            raise InputError(
                f"{name}: train.model.vocab_size = {vocab_size}: {data.tokenizer} has {data.vocab_size} pieces"
            )
    if spec.search is not None:
        check_documents(spec.search.section, data.tuning_documents)
    return Sweep(spec=spec, data=data, machine=machine)


def run(
    spec: SweepSpec,
    place: Workplace,
    *,
    executor: str,
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
    owner: str | None = None,
    tags: Collection[str] = (),
) -> Snapshot:
    """Run a sweep to its end, or go on with it; interrupted at any point, the same call continues.

    Args:
        spec: the sweep.
        place: the home that it belongs to.
        executor: where jobs run, as `NAME` or `NAME:ADDRESS` of `cluster.registry.EXECUTORS`.
        show: called at every step with the state of the sweep and the estimated seconds left.
        say: called with what else a person should know.
        owner: whose it is, by default this process's user; an existing sweep keeps its owner.
        tags: added to the sweep's.

    Raises:
        InputError: there is no such executor.
        AlreadyDriven: another process drives the sweep.
        LostLease: another process took the sweep over while this one did not reach the database.
        StoreUnavailable: the database or the file store did not answer for AWAY_SECONDS.
    """
    joined = join_cluster(executor)
    cluster = machine_cluster() if joined is None else joined.cluster
    try:
        with ExitStack() as stack:
            lease = DriverLease(place.store, spec.name, process_name(), cluster)
            with lease, _stopped_on_error(spec, place.store):
                sweep = resolve(spec, place.home, _machine(spec.name, place.store, joined))
                driver = _begin(sweep, place.store, say, owner, tags)
                writer = EntryWriter(sweep, place.store)
                writer.write()  # an edited file may have other entries than at its last run
                scheduling = None

                def on_snapshot(snapshot: Snapshot, left: float | None) -> None:
                    writer.update(snapshot)
                    show(snapshot, left)

                if not (snapshot := driver.step()).done:
                    scheduling = stack.enter_context(
                        open_scheduling(place, executor=executor, widest=sweep.widest(), joined=joined)
                    )
                    try:
                        hint = quarantine_hint(executor)
                        snapshot = _drive(driver, sweep, scheduling, lease, on_snapshot, say, hint)
                    finally:
                        with suppress(LostLease, StoreUnavailable):  # the next run writes them
                            writer.write()  # what finished after the last snapshot, or before an interruption
                place.store.end_sweep(spec.name, _end_state(snapshot))
            if scheduling is not None:
                scheduling.finish(say)
    finally:
        if joined is not None:
            joined.close()
    return snapshot


def _begin(sweep: Sweep, store: Store, say: Callable[[str], None], owner: str | None, tags: Collection[str]) -> Driver:
    """Write a sweep down as running, without the unfinished jobs that its file does not need any more."""
    name, driver = sweep.spec.name, sweep.driver(store)
    if obsolete := driver.obsolete():  # before the sweep runs, so that no scheduler starts any of them
        store.withdraw(name, obsolete)
        say(f"Dropped {len(obsolete)} unfinished jobs that the edited file no longer needs.")
    store.put_sweep(name, sweep.to_json(), sweep.spec.budget.limits(), owner)
    if tags:
        store.tag(name, tags)
    return driver


@contextmanager
def _stopped_on_error(spec: SweepSpec, store: Store) -> Iterator[None]:
    """Write down that a sweep has stopped when an error ends this process's work, unless it is not its driver now."""
    try:
        yield
    except LostLease:
        raise
    except BaseException as error:
        if store.sweep(spec.name):
            is_signal = isinstance(error, KeyboardInterrupt)
            reason = stopping.reason() if is_signal else hide_passwords(str(error)) or type(error).__name__
            store.end_sweep(spec.name, SweepState.STOPPED, reason)
        raise


def examine_cluster(
    file: Path | None, ray_address: str, seconds: float, home: Path, database: str | None
) -> list[dict[str, Any]]:
    """Check every node of a Ray cluster, with a sweep also its data and its recipe's pace, and write it down.

    Raises:
        InputError: the cluster cannot be reached, or the sweep's file or data are wrong.
    """
    from sweeps.machine import doctor as nodes
    from sweeps.spec.file import load_sweep

    place = Workplace.open(home, database)
    executor = join_cluster(f"ray:{ray_address}")
    assert executor is not None
    try:
        sweep = None
        if file is not None:
            spec = load_sweep(file)
            sweep = resolve(spec, place.home, machine_of(executor.nodes(), None))
        checks = nodes.examine(sweep, executor, seconds)
        nodes.write_down(checks, executor.cluster, place.store, time.time())
    finally:
        executor.close()
    return [check.to_json() for check in checks]


def _end_state(snapshot: Snapshot) -> SweepState:
    return SweepState.FAILED if snapshot.failures or snapshot.blocked else SweepState.DONE


def _machine(sweep: str, store: Store, joined: Executor | None) -> Machine:
    """The machine class of a sweep's numbers."""
    if joined is None:
        return environment.machine()
    before = store.sweep(sweep)
    return machine_of(joined.nodes(), None if before is None else Machine(**before.spec["machine"]))


def _drive(
    driver: Driver,
    sweep: Sweep,
    scheduling: Scheduling,
    lease: DriverLease,
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
    hint: str,
) -> Snapshot:
    """Drive a sweep until it is done or a user has ended it; wait for a store that is unavailable for a while."""
    away_since: float | None = None
    warned_no_node = ever_fit = False
    while True:
        try:
            lease.renew()
            snapshot = driver.step()
            if snapshot.done:
                show(snapshot, seconds_left(snapshot, {}, 1))
            if snapshot.done or snapshot.ended:
                return snapshot
            slots, widest = scheduling.slots(sweep.machine)
            show(snapshot, seconds_left(snapshot, slot_seconds(snapshot.jobs), slots) if slots else None)
            fits = slots > 0 and sweep.widest() <= widest
            if slots and not fits and not ever_fit:
                raise InputError(f"a job needs {sweep.widest()} slots of one node; the largest has {widest}")
            ever_fit |= fits
            if scheduling.schedules and not fits and not warned_no_node:
                needed = f"with {sweep.widest()} slots of class {sweep.machine.device}"
                say(f"No usable node {needed}; waiting. {hint}".rstrip())
            warned_no_node = scheduling.schedules and not fits
            scheduling.step(STEP_SECONDS)
            away_since = None
        except StoreUnavailable as error:
            if away_since is None:
                away_since = time.monotonic()
                say(f"{error}; retried for {AWAY_SECONDS / 60:.0f} minutes, while running jobs go on.")
            if time.monotonic() - away_since > AWAY_SECONDS:
                raise
            time.sleep(1.0)


def slot_seconds(jobs: tuple[JobRecord, ...]) -> dict[str, float]:
    """Mean slot-seconds of finished jobs by stage."""
    by_stage: dict[str, list[float]] = {}
    for job in jobs:
        if job.state == JobState.DONE and job.seconds is not None:
            by_stage.setdefault(job.order.job.stage, []).append(job.seconds * job.order.slots)
    return {stage: sum(seconds) / len(seconds) for stage, seconds in by_stage.items()}
