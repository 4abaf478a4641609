"""What happens inside a worker: a task becomes events, and an exception becomes a Failed event."""

import traceback
from collections.abc import Iterator

from cluster.executor import Task
from cluster.executors.gang import LOG_LINES, Gang
from cluster.executors.processes import Mark, clear
from jobs.events import Event, Failed, Failure, Progress
from jobs.failures import classify
from jobs.stages.run import run_audit, run_eval, run_quantize


def run_task(task: Task) -> Iterator[Event]:
    """Run a task to its end; the first event says that it runs, the last is Finished or Failed, whatever happens."""
    yield Progress(fraction=0.0, note="starting")
    try:
        yield from _stage(task)
    except Exception as error:  # the border: from here on a failure is data
        log = "" if classify(error) == Failure.BAD_CONFIGURATION else traceback.format_exc()
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Failed(failure=classify(error), reason=reason, log="\n".join(log.splitlines()[-LOG_LINES:]))


def _stage(task: Task) -> Iterator[Event]:
    try:
        clear(task.node, task.slots)
    except TimeoutError as error:  # the node's fault, not the job's
        yield Failed(failure=Failure.UNFIT, reason=str(error))
        return
    match task.order.job.stage:
        case "train":
            mark = Mark(node=task.node, slots=task.slots, task=task.id)
            checkpoint = task.inputs.get("checkpoint")
            yield from Gang(task.order, task.workdir, checkpoint, mark, task.silence_seconds).events()
        case "quantize":
            yield from run_quantize(task.order, task.inputs)
        case "eval":
            yield from run_eval(task.order, task.inputs, task.shards)
        case "audit":
            yield from run_audit(task.order, task.inputs)
