"""From a checked sweep file to a sweep: its data and script opened, its machine class known."""

from collections.abc import Callable
from pathlib import Path

from cluster.executor import Executor, JoinedExecutor, Opening
from cluster.executors.local import machine_cluster
from cluster.registry import open_executor
from golf.errors import InputError
from jobs.machine import environment
from jobs.paths import Home
from jobs.spec import Machine
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep
from sweeps.run.roles import Runtime, Scheduling, machine_of, runtime_of
from sweeps.spec.dataset import DataSet, open_dataset
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.data import ScriptData, open_script_data
from sweeps.spec.script.defaults import with_defaults
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.resolve import read_contents, resolve_code


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
    folder: Path = Path(),
) -> Sweep:
    """Open a sweep's data and make sure that its recipes fit them.

    Args:
        spec: the sweep.
        home: where the bundled corpus is built.
        machine: the class of its numbers.
        say: called with what a person should know of a script.
        runtime: what a script's interpreter is where its jobs run; None to ask that of this machine.
        data: those of the sweep; None to open them.
        folder: what the paths of a script's files are relative to.

    Raises:
        InputError: data are missing or damaged, a script's files are not what its sweep says, or a model has another
            vocabulary than the tokenizer.
    """
    if isinstance(spec.kind, ScriptKind):
        code, notes = resolve_code(spec, spec.kind, runtime, folder)
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


def keep_script(sweep: Sweep, place: Workplace, folder: Path = Path()) -> None:
    """Put the files of a script, relative to a folder, into the file store, for the jobs that read them."""
    if isinstance(sweep.spec.kind, ScriptKind):
        for content in read_contents(sweep.spec, sweep.spec.kind, folder):
            place.files.put(content)


def script_runtime(spec: SweepSpec, store: Store, joined: JoinedExecutor | None, machine: Machine) -> Runtime | None:
    """What a script's interpreter is on the nodes of a cluster; None where this machine's own counts."""
    if joined is None or not isinstance(spec.kind, ScriptKind):
        return None
    script, before = spec.kind.tables.script, store.sweep(spec.name)
    nodes = [node for node in joined.nodes() if node.machine.slot_class == machine.slot_class]
    known = None if before is None else before.spec.get("code", {}).get("runtime")
    return runtime_of(nodes, joined.interpreters(script.python, script.passed), known)


def check_interpreter(sweep: Sweep) -> None:
    """Make sure that the keys of a script's jobs say what it runs under, unless its set-up makes the interpreter.

    Raises:
        InputError: the interpreter is not on this machine, where the jobs run.
    """
    kind = sweep.spec.kind
    if isinstance(kind, ScriptKind) and sweep.code is not None and not sweep.code.runtime:
        script = kind.tables.script
        if not script.setup:
            raise InputError(f"script.python: {script.python} is not on this machine; name one that is")


def sweep_machine(sweep: str, store: Store, joined: Executor | None) -> Machine:
    """The machine class of a sweep's numbers."""
    if joined is None:
        return environment.machine()
    before = store.sweep(sweep)
    return machine_of(joined.nodes(), None if before is None else Machine(**before.spec["machine"]))
