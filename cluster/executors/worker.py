"""What happens inside a worker: a task becomes events, and an exception becomes a Failed event."""

import traceback
from collections.abc import Iterator

import jobs.stages.work.audit
import jobs.stages.work.evaluate
import jobs.stages.work.quantize  # noqa: F401  all at the start of a worker: no job's clock may depend on what ran before
from cluster.executor import Task
from cluster.executors.launcher import LOG_LINES, Gang
from cluster.executors.processes import Mark, clear
from jobs.events import Event, Failed, Failure, Progress
from jobs.failures import classify, reason_of
from jobs.machine.datasets import order_here
from jobs.stages.stage import GangStage, WorkerStage


def run_task(task: Task) -> Iterator[Event]:
    """Run a task to its end; the first event says that it runs, the last is Finished or Failed, whatever happens."""
    yield Progress(fraction=0.0, note="starting")
    try:
        yield from _run(task)
    except Exception as error:  # the border: from here on a failure is data
        failure = classify(error, task.workdir.parent.parent)
        log = "" if failure == Failure.BAD_CONFIGURATION else traceback.format_exc()
        yield Failed(failure=failure, reason=reason_of(error), log="\n".join(log.splitlines()[-LOG_LINES:]))


def _run(task: Task) -> Iterator[Event]:
    try:
        clear(task.node, task.slots)
    except TimeoutError as error:  # the node's fault, not the job's
        yield Failed(failure=Failure.UNFIT, reason=str(error))
        return
    order = order_here(task.order)
    match task.stage:
        case GangStage() as stage:
            gang = Gang(
                stage.program(order),
                task.workdir,
                slots=len(task.slots),
                inputs=task.inputs,
                mark=Mark(node=task.node, slots=task.slots, task=task.id),
                silence_seconds=task.silence_seconds,
            )
            yield from gang.events()
        case WorkerStage() as stage:
            yield from stage.run(order, task.inputs, task.shards)
