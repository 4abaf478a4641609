"""The tasks of an attempt: what each is handed, and how an evaluation's shards are shared among its workers."""

from collections.abc import Mapping
from pathlib import Path

from cluster.executor import Task
from cluster.scheduling.state.running import Running
from golf.errors import InputError
from jobs.scores import share_shards
from jobs.spec import ARITHMETIC, Order
from jobs.stages.run import shards_of
from jobs.store import JobRecord


def contents_of(record: JobRecord) -> dict[str, str]:
    """Digests, by name, of the contents that a job's tasks are handed."""
    kept = {name: digest for name, digest in record.order.job.inputs.items() if name not in record.order.places}
    return kept | ({"checkpoint": record.checkpoint} if record.checkpoint else {})


def keeps_shards(order: Order) -> bool:
    """Whether an attempt goes on from the shards of earlier ones.

    The whole validation set is scored in one go, so that the clock of its evaluation means what it says.
    """
    job = order.job
    return job.stage == "eval" and bool(job.settings["documents"]["split"] != "val")


def tasks_of(running: Running, inputs: Mapping[str, bytes], workdir: Path, silence_seconds: float) -> list[Task]:
    """Tasks of an attempt on its slots: one, or for an evaluation one a slot while shards are left for it.

    Args:
        running: the attempt, with the shards that need not be scored again.
        inputs: contents by name.
        workdir: its folder.
        silence_seconds: how long a task may show no advance.

    Raises:
        InputError: another version of golfsweep ordered the job, whose numbers this one does not compute.
    """
    job = running.record.order.job
    if job.arithmetic != ARITHMETIC[job.stage]:
        raise InputError(
            f"ordered by another version of golfsweep ({job.stage} arithmetic {job.arithmetic}; here it is "
            f"{ARITHMETIC[job.stage]}); let one version schedule, and run the sweep again with it"
        )
    return [
        Task(
            id=f"{running.key}/{running.attempt}/{number}",
            order=running.record.order,
            node=running.placement.node,
            slots=slots,
            workdir=workdir,
            inputs=inputs,
            shards=shards,
            silence_seconds=silence_seconds,
        )
        for number, (slots, shards) in enumerate(_parts(running, inputs))
    ]


def _parts(running: Running, inputs: Mapping[str, bytes]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Slots and shards of each task."""
    order, slots = running.record.order, running.placement.slots
    if order.job.stage != "eval":
        return [(slots, ())]
    left = [index for index in range(shards_of(order, inputs["artifact"])) if index not in running.shards]
    return [((slot,), tuple(part)) for slot, part in zip(slots, share_shards(left, len(slots)), strict=False)]
