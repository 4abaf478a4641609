"""Running a sweep here and now: a driver, and a scheduler beside it on the cluster that is given."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.executor import Executor
from cluster.scheduler import Scheduler
from golf.errors import InputError
from jobs import environment
from jobs.files import FileStore
from jobs.paths import Home
from jobs.spec import Machine
from jobs.state import JobState
from jobs.store import JobRecord, Store
from sweeps.dataset import open_dataset
from sweeps.driver import Snapshot
from sweeps.file import SweepSpec, check_documents
from sweeps.progress import seconds_left
from sweeps.sweep import Sweep

STEP_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Workplace:
    """A home folder with its store and files open."""

    home: Home
    store: Store
    files: FileStore

    @classmethod
    def open(cls, root: Path, database: str | None = None, files: str | None = None) -> "Workplace":
        """Open a home, by default with everything inside it.

        Raises:
            InputError: the folder, database or file store cannot be used.
        """
        home = Home(root.resolve())
        try:
            home.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--home {root}: cannot be made ({error.strerror}); name a folder to write to") from None
        store = Store.open(database or home.database_url)
        return cls(home=home, store=store, files=FileStore(files or str(home.files)))


def open_executor(ray_address: str | None, *, here: bool, widest: int) -> Executor:
    """The executor that runs jobs: Ray (started here, or joined), or this machine without Ray.

    Raises:
        InputError: the cluster cannot be reached.
    """
    from cluster.local import LocalExecutor, local_slots

    if here:
        return LocalExecutor(local_slots(widest))
    from cluster import ray_cluster
    from cluster.ray_executor import RayExecutor

    if ray_address is None:
        ray_cluster.start_local(local_slots(widest))
    else:
        ray_cluster.join(ray_address)
    return RayExecutor()


@contextmanager
def sole_driver(home: Home, sweep: str) -> Iterator[None]:
    """Hold a sweep as its only driver on this home; the kernel lets go of it when the process ends, however it ends.

    Raises:
        InputError: another process drives it.
    """
    path = home.lock(sweep)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f'sweep "{sweep}" is already run by another process on {home.root}; see its progress with '
                f'"golfsweep status"'
            ) from None
        yield


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
    ray_address: str | None,
    here: bool,
    show: Callable[[Snapshot, float | None], None],
) -> Snapshot:
    """Run a sweep to its end, or go on with it; interrupted at any point, the same call continues.

    Args:
        spec: the sweep.
        place: the home that it belongs to.
        ray_address: a running cluster; None for one of this process's own.
        here: without Ray, on this machine.
        show: called with every look and the estimated seconds left.
    """
    with sole_driver(place.home, spec.name):
        executor: Executor | None = None
        if ray_address is not None:
            executor = open_executor(ray_address, here=False, widest=1)
        try:
            machine = executor.machine() if executor else environment.machine()
            sweep = resolve(spec, place.home, machine)
            place.store.put_sweep(spec.name, sweep.to_json())
            _ask_again(spec.name, place.store)
            driver = sweep.driver(place.store)
            snapshot = driver.step()
            if not snapshot.done:
                executor = executor or open_executor(None, here=here, widest=sweep.widest())
                snapshot = _work(sweep, place, executor, show)
            place.store.set_sweep_state(spec.name, "failed" if snapshot.failures else "done")
        except BaseException:
            if place.store.sweep(spec.name):
                place.store.set_sweep_state(spec.name, "stopped")
            raise
        finally:
            if executor is not None:
                executor.close()
    return snapshot


def _ask_again(sweep: str, store: Store) -> None:
    """Queue what failed in an earlier run once more, since its cause may be gone; but what a search was told stays."""
    for job in store.jobs(sweep=sweep, states=[JobState.FAILED]):
        if job.order.job.settings.get("documents", {}).get("split") != "tune":
            store.put_job(job.order)


def _work(
    sweep: Sweep, place: Workplace, executor: Executor, show: Callable[[Snapshot, float | None], None]
) -> Snapshot:
    slots = [node.slots for node in executor.nodes()]
    if sweep.widest() > max(slots, default=0):
        raise InputError(f"a job needs {sweep.widest()} slots of one node; the largest has {max(slots, default=0)}")
    price = sweep.spec.budget.dollars_per_gpu_hour
    scheduler = Scheduler(place.store, place.files, executor, place.home, dollars_per_slot_hour=price)
    driver = sweep.driver(place.store)
    try:
        while not (snapshot := driver.step()).done:
            show(snapshot, seconds_left(snapshot, slot_seconds(snapshot.jobs), sum(slots)))
            scheduler.step(STEP_SECONDS)
    finally:
        scheduler.stop()
    return snapshot


def slot_seconds(jobs: tuple[JobRecord, ...]) -> dict[str, float]:
    """Mean slot-seconds of finished jobs by kind."""
    found: dict[str, list[float]] = {}
    for job in jobs:
        if job.state == JobState.DONE and job.seconds is not None:
            found.setdefault(job.order.job.kind, []).append(job.seconds * job.order.slots)
    return {kind: sum(seconds) / len(seconds) for kind, seconds in found.items()}
