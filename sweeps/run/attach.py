"""Attach a file that exists already as the output of a script's stage, so that a team starts from what it has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.executors.local import machine_cluster
from golf.errors import InputError, shown
from golf.files import read_regular
from jobs.logs.live import OUTPUT, LiveLog
from jobs.machine import environment
from jobs.machine.host import process_name
from jobs.scripts.run import LAST_SCORE
from jobs.spec import Order
from jobs.stages.request import DocumentSet
from jobs.stages.script import ScriptStage
from jobs.stages.stage import title_of
from jobs.state import JobState, SweepState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.driver.requests import JobRequests
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.opening import keep_script, resolve
from sweeps.run.lease import DriverLease
from sweeps.spec.file import load_sweep
from sweeps.spec.orders import Measurement
from sweeps.spec.script.recipe import ScriptRecipe
from sweeps.spec.settings import suggest

MOST_BYTES = 2**34
"""Of a file that is attached."""
MOST_LOG_BYTES = 2**28


@dataclass(frozen=True, kw_only=True, slots=True)
class Attachment:
    """What somebody attaches, and to what."""

    file: Path
    stage: str
    role: str
    seed: int
    entry: str | None
    """The arm for whose recipe it was made; where all arms share the stage's job, none need be named."""
    log: Path | None
    """What the script printed when it made the file."""


def open_sweep(name: str, place: Workplace, say: Callable[[str], None]) -> Sweep:
    """A sweep of the home by its name, or that of a sweep file, which is written down as one that has yet to run.

    Raises:
        InputError: there is neither, or the file is wrong.
        AlreadyDriven: the file's sweep is being run.
    """
    if (record := place.store.sweep(name)) is not None:
        return Sweep.from_json(record.spec)
    if not Path(name).is_file():
        known = ", ".join(sweep.name for sweep in place.store.sweeps()) or "none yet"
        raise InputError(f"--sweep {name}: no sweep of that name and no such file; sweeps are: {known}")
    spec = load_sweep(Path(name))
    with DriverLease(place.store, spec.name, process_name(), machine_cluster(), say):
        place.claim_files()
        sweep = resolve(spec, place.home, environment.machine(), say)
        keep_script(sweep, place)
        place.store.put_sweep(spec.name, sweep.to_json(), spec.budget.limits())
        place.store.end_sweep(spec.name, SweepState.STOPPED, "files are attached; it has yet to run")
    return sweep


def attach(attachment: Attachment, sweep: Sweep, place: Workplace) -> JobRecord:
    """Make a file the output of a stage's job, which is done by that.

    Args:
        attachment: the file, and to what.
        sweep: of a script.
        place: the home that it belongs to.

    Raises:
        InputError: the sweep has no such stage, role, seed or entry; a file cannot be read; the log does not have the
            stage's score; or the job runs or is done already.
    """
    stage = _stage(attachment, sweep)
    order = _order(attachment, stage, sweep, place)
    content = read_regular(attachment.file, MOST_BYTES, "expected the file to attach")
    log = None if attachment.log is None else read_regular(attachment.log, MOST_LOG_BYTES, "expected a log")
    outputs = _outputs(attachment, stage, sweep, order, len(content), log)
    files = {attachment.role: content} | ({} if log is None else {"log": log})
    digests = {name: place.files.put(part) for name, part in files.items()}
    sizes = {digests[name]: len(part) for name, part in files.items()}
    outputs |= {**digests, "attached": {"by": place.store.user, "file": attachment.file.name, "role": attachment.role}}
    job = place.store.attach(order, outputs, sizes)
    if job is None:
        before = place.store.job(order.job.key)
        state = JobState.DONE if before is None else before.state
        raise InputError(
            f"--stage {attachment.stage} --seed {attachment.seed}: its job {order.job.key[:12]} is {state} already; "
            "only a job that waits, failed or was cancelled takes a file"
        )
    return job


def _stage(attachment: Attachment, sweep: Sweep) -> ScriptStage:
    """The stage that is named, after checking that this role alone is what others read of it."""
    stages = {title_of(stage.name): stage for stage in sweep.spec.pipeline() if isinstance(stage, ScriptStage)}
    if not stages:
        raise InputError(f"--sweep {sweep.spec.name}: it sweeps no script; only stages of a script take files")
    if (stage := stages.get(attachment.stage)) is None:
        raise InputError(
            f"--stage {attachment.stage}: no stage of {sweep.spec.name}; {suggest(attachment.stage, stages)}"
        )
    roles = stage.definition["outputs"]
    if attachment.role not in roles:
        problem = f"--role {attachment.role}: no output of stage {attachment.stage}"
        raise InputError(f"{problem}; {suggest(attachment.role, roles)}")
    for other in stages.values():
        sources = [source for source in other.reads.values() if source.stage == stage.name]
        if also := sorted({source.output for source in sources} - {attachment.role}):
            raise InputError(
                f"--role {attachment.role}: stage {title_of(other.name)} also reads {', '.join(also)} of "
                f"{attachment.stage}, which a single file does not give; let its sweep run the stage"
            )
    return stage


def _order(attachment: Attachment, stage: ScriptStage, sweep: Sweep, place: Workplace) -> Order:
    """The order of the job that is to have the file."""
    orders: dict[str, tuple[Order, list[str]]] = {}
    requests = JobRequests(place.store, sweep.orders(), sweep.spec.pipeline(), read_only=True)
    requests.look()
    for name, measurement in _measurements(attachment, sweep):
        jobs = requests.advance(measurement, sweep.spec.pipeline().upstream(stage.name)).jobs
        inputs = {}
        for role, source in stage.reads.items():
            made = jobs[source.stage].outputs if source.stage in jobs else None
            if made is None:
                raise InputError(
                    f"--stage {attachment.stage}: it reads {source.output} of {title_of(source.stage)}, which is not "
                    f"there for seed {attachment.seed}; attach that first, or let the sweep run it"
                )
            inputs[role] = made[source.output]
        order = sweep.orders().order(stage, measurement, inputs)
        orders.setdefault(order.job.key, (order, []))[1].append(name)
    if not orders:
        raise InputError(_no_measurement(attachment, sweep))
    if len(orders) > 1:
        groups = "; ".join(", ".join(names) for _, names in orders.values())
        raise InputError(
            f"--stage {attachment.stage} --seed {attachment.seed}: entries have different jobs of it ({groups}); name "
            "the one whose recipe made the file with --entry"
        )
    ((order, _),) = orders.values()
    return order


def _measurements(attachment: Attachment, sweep: Sweep) -> Iterator[tuple[str, Measurement]]:
    """What is measured on the seed: of the named arm, or of all arms that have the seed, and of the search's trials."""
    recipes = {arm.name: arm.recipe for arm in sweep.spec.arms if attachment.entry in (None, arm.name)}
    seeds = {arm.name: arm.seeds for arm in sweep.spec.arms}
    for name, recipe in recipes.items():
        if attachment.seed in seeds[name]:
            yield name, Measurement(recipe=recipe, seed=attachment.seed, documents=DocumentSet(split="val"), entry=name)
    if attachment.entry is None and sweep.spec.search is not None and attachment.seed in sweep.spec.seeds.tune:
        recipe = sweep.spec.recipe
        assert isinstance(recipe, ScriptRecipe)
        yield (
            "trials",
            Measurement(
                recipe=recipe.for_trials(), seed=attachment.seed, documents=DocumentSet(split="tune"), entry=None
            ),
        )


def _no_measurement(attachment: Attachment, sweep: Sweep) -> str:
    arms = {arm.name: arm for arm in sweep.spec.arms}
    if attachment.entry is not None and attachment.entry not in arms:
        return f"--entry {attachment.entry}: no arm of {sweep.spec.name}; {suggest(attachment.entry, arms)}"
    seeds = sorted({seed for arm in arms.values() for seed in arm.seeds} | set(sweep.spec.seeds.tune))
    return f"--seed {attachment.seed}: no entry is measured on it; seeds are {', '.join(map(str, seeds))}"


def _outputs(
    attachment: Attachment, stage: ScriptStage, sweep: Sweep, order: Order, size: int, log: bytes | None
) -> dict[str, Any]:
    """What a run of the stage would have left beside its files, as far as the log says."""
    metric = stage.definition["metric"]
    live = LiveLog(None if metric == LAST_SCORE else metric)
    if log is not None:
        live.feed(OUTPUT, log)
        live.end()
    name, value = metric, live.metric().value
    if metric == LAST_SCORE:
        name, value = next(reversed(list(live.scores().items())), (metric, None))
    if metric is not None and value is None:
        wanted = "a score" if metric == LAST_SCORE else f"the metric {shown(metric)}"
        raise InputError(
            f"--log {attachment.log or 'missing'}: stage {attachment.stage} has a score, and {wanted} with one value "
            "is not in the log; give the log of the run that made the file"
        )
    assert sweep.code is not None
    codes = {version.script: version.num_bytes for version in sweep.code.versions.values()}
    code = codes[order.job.inputs["script"]]
    outputs: Mapping[str, Any] = {
        "metric": None if metric is None else {"name": name, "value": value},
        "bpb_per_nat": live.bpb_per_nat(name),
        "scores": dict(live.scores()),
        "clocks": dict(live.clocks()),
        "bytes": {**live.bytes(), attachment.role: size, "code": code},
        "notes": [f"{attachment.role} of {attachment.stage} is a file that was attached: {attachment.file.name}"],
    }
    return dict(outputs)
