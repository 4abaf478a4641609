"""Running a sweep here and now: its driver, and a part in scheduling the cluster that is given."""

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress

from cluster.executor import Executor, JoinedExecutor, Opening
from cluster.executors.local import machine_cluster
from cluster.registry import join_cluster, open_executor, quarantine_hint
from golf.errors import InputError
from jobs.errors import NO_SPACE, AlreadyDriven, LostLease, StoreUnavailable
from jobs.machine import environment, stopping
from jobs.machine.host import process_name
from jobs.paths import Home
from jobs.secrets import hide_passwords
from jobs.spec import Machine
from jobs.state import SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.driver import Driver
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.entries import EntryWriter
from sweeps.run.evidence import remake_lost
from sweeps.run.forecasts.time_left import TimeLeft
from sweeps.run.helping import check_machine, help_sweep, is_driven_elsewhere
from sweeps.run.lease import DriverLease
from sweeps.run.memory import check_memory
from sweeps.run.patience import Patience
from sweeps.run.roles import Runtime, Scheduling, machine_of, runtime_of
from sweeps.run.waiting import HOW_TO_STOP, WaitNotice, say_if_slow
from sweeps.spec.dataset import DataSet, open_dataset
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.data import ScriptData, open_script_data
from sweeps.spec.script.defaults import with_defaults
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.resolve import read_contents, resolve_code

STEP_SECONDS = 0.5


def open_scheduling(
    place: Workplace, *, executor: str, widest: int, joined: Executor | None, say: Callable[[str], None]
) -> Scheduling:
    """This process's part in scheduling the cluster that it joined, or this machine with an executor of its own."""

    def open_own() -> Executor:
        if joined is not None:
            return joined
        return open_executor(executor, Opening(widest=widest, home=place.home.root, say=say))

    cluster = machine_cluster() if joined is None else joined.cluster
    return Scheduling(place.store, place.files, place.home, cluster, open_own)


def resolve(
    spec: SweepSpec,
    home: Home,
    machine: Machine,
    say: Callable[[str], None] = lambda text: None,
    runtime: Runtime | None = None,
    data: DataSet | ScriptData | None = None,
) -> Sweep:
    """Open a sweep's data and make sure that its recipes fit them.

    Args:
        spec: the sweep.
        home: where the bundled corpus is built.
        machine: the class of its numbers.
        say: called with what a person should know of a script.
        runtime: what a script's interpreter is where its jobs run; None to ask that of this machine.
        data: those of the sweep; None to open them.

    Raises:
        InputError: data are missing or damaged, a script's files are not what its sweep says, or a model has another
            vocabulary than the tokenizer.
    """
    if isinstance(spec.kind, ScriptKind):
        code, notes = resolve_code(spec, spec.kind, runtime)
        for note in notes:
            say(note)
        script_data = data if isinstance(data, ScriptData) else open_script_data(spec.data, home.demo, spec.widest())
        return Sweep(spec=with_defaults(spec, code), data=script_data, machine=machine, code=code)
    if not isinstance(data, DataSet):
        data = open_dataset(spec.data.tokens, spec.data.tokenizer, spec.data.tuning_documents, home.demo)
    problems = []
    for name, recipe in spec.native_recipes().items():
        if (size := recipe.train.model.vocab_size) != data.vocab_size:
            problems.append(f"{name}: train.model.vocab_size = {size}: {data.tokenizer} has {data.vocab_size} pieces")
    if problems:
        raise InputError(*problems)
    return Sweep(spec=spec, data=data, machine=machine)


def run(
    spec: SweepSpec,
    place: Workplace,
    *,
    executor: str,
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
    owner: str | None = None,
    agent: str | None = None,
    tags: Collection[str] = (),
) -> Snapshot:
    """Start or resume a sweep and run it to its end; interrupted at any point, the same call resumes it.

    Args:
        spec: the sweep.
        place: the home that it belongs to.
        executor: where jobs run, as `NAME` or `NAME:ADDRESS` of `cluster.registry.EXECUTORS`.
        show: called at every step with the state of the sweep and the estimated seconds left.
        say: called with what else a person should know.
        owner: whose it is, by default this process's user; an existing sweep keeps its owner.
        agent: name of the agent that runs it; None for a person. The ledger of tries names all who ran a sweep.
        tags: added to the sweep's.

    Raises:
        InputError: there is no such executor.
        AlreadyDriven: another process drives the sweep, on this machine or this cluster; with one of another machine
            this process shares the work.
        LostLease: another process took the sweep over while this one did not reach the database.
        StoreUnavailable: the database or the file store did not answer for `sweeps.run.patience.AWAY_SECONDS`, or has
            no room.
    """
    with say_if_slow(say, f"Joining the cluster of --executor {executor}"):
        joined = join_cluster(executor)
    cluster = machine_cluster() if joined is None else joined.cluster
    parts: list[Scheduling] = []
    try:
        with ExitStack() as stack:

            def open_part(widest: int) -> Scheduling:
                if not parts:
                    part = open_scheduling(place, executor=executor, widest=widest, joined=joined, say=say)
                    parts.append(stack.enter_context(part))
                return parts[0]

            def check(sweep: Sweep) -> None:
                if joined is None:  # a cluster's scheduler sets nodes aside that lack something
                    check_machine(sweep, place)

            snapshot = None
            while snapshot is None:
                try:
                    snapshot = _run_as_driver(
                        spec,
                        place,
                        joined=joined,
                        cluster=cluster,
                        open_part=open_part,
                        show=show,
                        say=say,
                        hint=quarantine_hint(executor),
                        owner=owner,
                        agent=agent,
                        tags=tags,
                    )
                except AlreadyDriven:
                    if not is_driven_elsewhere(place.store, spec.name, cluster):
                        raise
                    place.claim_files()
                    snapshot = help_sweep(spec.name, place.store, check, open_part, show, say)
            for part in parts:
                part.finish(say)
    finally:
        if joined is not None:
            joined.close()
    return snapshot


def _run_as_driver(
    spec: SweepSpec,
    place: Workplace,
    *,
    joined: JoinedExecutor | None,
    cluster: str,
    open_part: Callable[[int], Scheduling],
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
    hint: str,
    owner: str | None,
    agent: str | None,
    tags: Collection[str],
) -> Snapshot:
    """Drive a sweep to its end; raises what `run` does."""
    started = place.store.last_event()
    lease = DriverLease(place.store, spec.name, process_name(), cluster, say)
    with lease, _stopped_on_error(spec, place.store):
        place.claim_files()
        with say_if_slow(say, "Waiting for a node of the cluster to report its machine class"):
            machine = _machine(spec.name, place.store, joined)
        if joined is None:  # a cluster's nodes check their own memory, before they build a model
            check_memory(spec)
        runtime = _runtime(spec, place.store, joined, machine)
        sweep = resolve(spec, place.home, machine, say, runtime)
        _check_interpreter(sweep)
        keep_script(sweep, place)
        driver = _begin(sweep, place.store, say, owner, agent, tags)
        writer = EntryWriter(sweep, place.store, place.files)
        writer.write()  # an edited file may have other entries than at its last run
        remake_lost(sweep, place, started, say)
        time_left = TimeLeft(sweep, place.store, time.time())

        def on_snapshot(snapshot: Snapshot, slots: int, widest: int) -> None:
            writer.update(snapshot)
            show(snapshot, time_left.estimate(snapshot, slots, widest))

        while not (snapshot := driver.step()).done:
            scheduling = open_part(sweep.widest())
            try:
                snapshot = _drive(driver, sweep, scheduling, lease, on_snapshot, say, hint)
            finally:
                with suppress(LostLease, StoreUnavailable):  # the next run writes them
                    writer.write()  # what finished after the last snapshot, or before an interruption
            if snapshot.ended or not remake_lost(sweep, place, started, say):
                break
        if snapshot.done:
            writer.write(final=True)
        _end_well(place.store, spec.name, snapshot, say)
    return snapshot


def keep_script(sweep: Sweep, place: Workplace) -> None:
    """Put the files of a script into the file store, for the jobs that read them."""
    if isinstance(sweep.spec.kind, ScriptKind):
        for content in read_contents(sweep.spec, sweep.spec.kind):
            place.files.put(content)


def _begin(
    sweep: Sweep,
    store: Store,
    say: Callable[[str], None],
    owner: str | None,
    agent: str | None,
    tags: Collection[str],
) -> Driver:
    """Write a sweep down as running, without the unfinished jobs that its file does not need any more."""
    name, driver = sweep.spec.name, sweep.driver(store)
    if obsolete := driver.obsolete():  # before the sweep runs, so that no scheduler starts any of them
        store.withdraw(name, obsolete)
        say(f"Dropped {len(obsolete)} unfinished jobs that the edited file no longer needs.")
    before = store.sweep(name)
    known = [] if before is None else before.spec.get("runners", [])
    runners = list(dict.fromkeys([*known, "person" if agent is None else f"agent {agent}"]))
    store.put_sweep(name, {**sweep.to_json(), "runners": runners}, sweep.spec.budget.limits(), owner)
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
        with suppress(LostLease, StoreUnavailable):  # the error is what ended the work, whatever can be written of it
            if store.sweep(spec.name):
                is_signal = isinstance(error, KeyboardInterrupt)
                reason = stopping.reason() if is_signal else hide_passwords(str(error)) or type(error).__name__
                store.end_sweep(spec.name, SweepState.STOPPED, reason)
        raise


def _end_well(store: Store, sweep: str, snapshot: Snapshot, say: Callable[[str], None]) -> None:
    """Write down that a sweep is done, or that jobs of it have failed."""
    state, outage = SweepState.FAILED if snapshot.failures or snapshot.blocked else SweepState.DONE, Patience(say)
    while True:
        try:
            return store.end_sweep(sweep, state)
        except StoreUnavailable as error:
            outage.wait(error, time.sleep)


def _runtime(spec: SweepSpec, store: Store, joined: JoinedExecutor | None, machine: Machine) -> Runtime | None:
    """What a script's interpreter is on the nodes of a cluster; None where this machine's own counts."""
    if joined is None or not isinstance(spec.kind, ScriptKind):
        return None
    script, before = spec.kind.tables.script, store.sweep(spec.name)
    nodes = [node for node in joined.nodes() if node.machine.slot_class == machine.slot_class]
    known = None if before is None else before.spec.get("code", {}).get("runtime")
    return runtime_of(nodes, joined.interpreters(script.python, script.passed), known)


def _check_interpreter(sweep: Sweep) -> None:
    """Make sure that the keys of a script's jobs say what it runs under, unless its set-up makes the interpreter.

    Raises:
        InputError: the interpreter is not on this machine, where the jobs run.
    """
    kind = sweep.spec.kind
    if isinstance(kind, ScriptKind) and sweep.code is not None and not sweep.code.runtime:
        script = kind.tables.script
        if not script.setup:
            raise InputError(f"script.python: {script.python} is not on this machine; name one that is")


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
    show: Callable[[Snapshot, int, int], None],
    say: Callable[[str], None],
    hint: str,
) -> Snapshot:
    """Drive a sweep until it is done or a user has ended it; wait for a store that is unavailable for a while.

    `show` is called at every step with the state, the usable slots, and those of the largest node.
    """
    outage, notice, ever_fit = Patience(say), WaitNotice(say), False
    while True:
        stopping.raise_if_stopped()
        try:
            lease.renew()
            snapshot = driver.step()
            if snapshot.done:
                show(snapshot, 0, 0)
            if snapshot.done or snapshot.ended:
                return snapshot
            slots, widest = scheduling.slots(sweep.machine)
            show(snapshot, slots, widest)
            fits = slots > 0 and sweep.widest() <= widest
            if slots and not fits and not ever_fit:
                raise InputError(f"a job needs {sweep.widest()} slots of one node; the largest has {widest}")
            ever_fit |= fits
            no_node = None
            if scheduling.schedules and not fits:
                needed = f"with {sweep.widest()} slots of class {sweep.machine.device}"
                no_node = f"No usable node {needed}; waiting. {HOW_TO_STOP}. {hint}".rstrip()
            notice.update(no_node, snapshot)
            with say_if_slow(say, "Waiting for the cluster to answer"):
                scheduling.step(STEP_SECONDS)
            outage.end()
        except StoreUnavailable as error:
            if error.errno in NO_SPACE:  # nothing more can be kept until somebody makes room
                raise
            outage.wait(error, scheduling.wait)
