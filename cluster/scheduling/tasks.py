"""The tasks of an attempt: what each is handed, and how the shards of a job are shared among its workers."""

from collections.abc import Mapping
from pathlib import Path

from cluster.executor import Task
from cluster.scheduling.state.running import Running
from jobs.scores import share_shards
from jobs.stages.registry import stage_of
from jobs.stages.stage import ShardedStage, Stage
from jobs.store import JobRecord


def contents_of(record: JobRecord) -> dict[str, str]:
    """Digests, by name, of the contents that a job's tasks are handed."""
    kept = {name: digest for name, digest in record.order.job.inputs.items() if name not in record.order.places}
    return kept | ({"checkpoint": record.checkpoint} if record.checkpoint else {})


def keeps_shards(record: JobRecord) -> bool:
    """Whether an attempt goes on from the shards of earlier ones."""
    job = record.order.job
    stage = stage_of(job)
    return isinstance(stage, ShardedStage) and stage.keeps_shards(job)


def tasks_of(running: Running, inputs: Mapping[str, bytes], workdir: Path) -> list[Task]:
    """Tasks of an attempt on its slots: a single task, or for a job with shards a task for each slot that gets shards.

    Args:
        running: the attempt, with the shards that need not be done again.
        inputs: contents by name.
        workdir: its folder.

    Raises:
        InputError: another version of golfsweep ordered the job, whose numbers this one does not compute.
    """
    stage = stage_of(running.record.order.job)
    stage.check_version(running.record.order.job)
    return [
        Task(
            id=f"{running.key}/{running.attempt}/{number}",
            stage=stage,
            order=running.record.order,
            node=running.placement.node,
            slots=slots,
            workdir=workdir,
            inputs=inputs,
            shards=shards,
            silence_seconds=stage.silence(running.record.order),
        )
        for number, (slots, shards) in enumerate(_parts(stage, running, inputs))
    ]


def _parts(
    stage: Stage, running: Running, inputs: Mapping[str, bytes]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Slots and shards of each task."""
    order, slots = running.record.order, running.placement.slots
    if not isinstance(stage, ShardedStage):
        return [(slots, ())]
    left = [index for index in range(stage.count_shards(order, inputs)) if index not in running.shards]
    return [((slot,), tuple(part)) for slot, part in zip(slots, share_shards(left, len(slots)), strict=False)]
