"""What happens inside a worker: a task becomes events, and an exception becomes a Failed event."""

import traceback
from collections.abc import Iterator

from cluster.executor import Task
from cluster.gang import LOG_LINES, Gang
from jobs.events import Event, Failed, Failure
from jobs.rank import classify
from jobs.run import run_audit, run_eval, run_quantize


def run_task(task: Task) -> Iterator[Event]:
    """Run a task to its end; the last event is Finished or Failed, whatever happens inside."""
    try:
        yield from _stage(task)
    except Exception as error:  # the border: from here on a failure is data
        log = "" if classify(error) == Failure.BAD_CONFIGURATION else traceback.format_exc()
        reason = " ".join(str(error).split()) or type(error).__name__
        yield Failed(failure=classify(error), reason=reason, log="\n".join(log.splitlines()[-LOG_LINES:]))


def _stage(task: Task) -> Iterator[Event]:
    match task.order.job.kind:
        case "train":
            yield from Gang(task.order, task.workdir, task.inputs.get("checkpoint")).events()
        case "quantize":
            yield from run_quantize(task.order, task.inputs)
        case "eval":
            yield from run_eval(task.order, task.inputs, task.shards)
        case "audit":
            yield from run_audit(task.order, task.inputs)
