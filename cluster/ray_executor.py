"""The executor on Ray: one lease a node, warm evaluator actors on its slots, a launcher actor for each gang."""

from dataclasses import dataclass, field
from typing import Any

import ray
import torch
from ray.exceptions import RayActorError, RayError

from cluster import lease
from cluster.executor import Node, Task
from cluster.lease import Lease
from cluster.worker import run_task
from golf.errors import InputError
from jobs import environment
from jobs.events import Event, Failed, Failure, Finished
from jobs.spec import Machine

MACHINE_SECONDS = 60.0
UNAVAILABLE_SECONDS = 5.0


@ray.remote(max_restarts=0, max_task_retries=0)
class Worker:
    """A process on one slot (an evaluator, which stays warm) or on several (a gang's launcher)."""

    def __init__(self) -> None:
        torch.set_num_threads(environment.CPU_THREADS)

    def machine(self) -> Machine:
        return environment.machine()

    @ray.method(num_returns="streaming")
    def run(self, task: Task, inputs: list[Any]) -> Any:
        """Events of a task; its inputs come through the object store, so that nodes need no common disk."""
        contents = dict(zip(task.inputs, ray.get(inputs), strict=True))
        task = Task(**{name: getattr(task, name) for name in Task.__dataclass_fields__} | {"inputs": contents})
        yield from run_task(task)


@dataclass(slots=True)
class _Running:
    task: Task
    actor: Any
    events: Any
    """The stream of the actor's events."""


@dataclass(slots=True)
class RayExecutor:
    """Runs tasks on the Ray cluster that this process has started or joined."""

    _leases: dict[str, Lease] = field(default_factory=dict)
    _idle: dict[tuple[str, int], Any] = field(default_factory=dict)
    """Warm evaluators by node and slot."""
    _running: dict[str, _Running] = field(default_factory=dict)
    _objects: dict[int, tuple[bytes, Any]] = field(default_factory=dict)
    """Inputs that the object store holds, by identity of their content."""

    def nodes(self) -> list[Node]:
        alive = lease.nodes()
        for name in self._leases.keys() - alive.keys():
            lease.give_back(self._leases.pop(name))
        return [node for node, _ in alive.values()]

    def machine(self) -> Machine:
        nodes = self.nodes()
        if not nodes:
            raise InputError("Ray cluster: no node with a GPU or CPU is alive")
        actor = self._evaluator(nodes[0].name, 0)
        machine: Machine = ray.get(actor.machine.remote(), timeout=MACHINE_SECONDS)
        self._idle[nodes[0].name, 0] = actor
        return machine

    def start(self, task: Task) -> None:
        if task.order.job.kind == "train":
            for slot in task.slots:  # evaluators end when their slots turn to a gang
                if actor := self._idle.pop((task.node, slot), None):
                    ray.kill(actor)
            actor = self._worker(task.node, len(task.slots))
        else:
            actor = self._idle.pop((task.node, task.slots[0]), None) or self._evaluator(task.node, task.slots[0])
        inputs = [self._put(content) for content in task.inputs.values()]
        bare = Task(
            id=task.id, order=task.order, node=task.node, slots=task.slots, workdir=task.workdir, shards=task.shards,
            inputs=dict.fromkeys(task.inputs, b""),
        )  # fmt: skip
        self._running[task.id] = _Running(task, actor, actor.run.remote(bare, inputs))

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        streams = {running.events: task_id for task_id, running in self._running.items()}
        if not streams:
            return []
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=timeout, fetch_local=False)
        if ready:  # the first has come: take along what else is there
            ready, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0, fetch_local=False)
        return [(streams[stream], self._next(streams[stream], stream)) for stream in ready]

    def cancel(self, task_id: str) -> None:
        if running := self._running.pop(task_id, None):
            ray.kill(running.actor)

    def close(self) -> None:
        for actor in [*self._idle.values(), *(running.actor for running in self._running.values())]:
            ray.kill(actor)
        for held in self._leases.values():
            lease.give_back(held)
        self._idle.clear()
        self._running.clear()
        self._leases.clear()
        self._objects.clear()

    def _next(self, task_id: str, stream: Any) -> Event:
        try:
            event: Event = ray.get(next(stream))
        except (RayError, StopIteration) as error:
            # Unavailable is not dead: but this worker's stream is broken, so the actor goes and the job runs anew.
            event = Failed(failure=Failure.LOST, reason=_reason(error))
        if isinstance(event, Finished | Failed):
            self._retire(self._running.pop(task_id), lost=isinstance(event, Failed) and event.failure == Failure.LOST)
        return event

    def _retire(self, running: _Running, *, lost: bool) -> None:
        """Keep an evaluator warm; end a gang's launcher and anything that was lost."""
        if lost or running.task.order.job.kind == "train":
            ray.kill(running.actor)
        else:
            self._idle[running.task.node, running.task.slots[0]] = running.actor

    def _evaluator(self, node: str, slot: int) -> Any:
        return self._idle.pop((node, slot), None) or self._worker(node, 1)

    def _worker(self, name: str, slots: int) -> Any:
        if name not in self._leases:
            node, device = lease.nodes()[name]
            self._leases[name] = lease.take(node, device)
        remote: Any = Worker  # Ray's decorator hides what it makes of a class
        return remote.options(**self._leases[name].options(slots)).remote()

    def _put(self, content: bytes) -> Any:
        """Put a content into the object store once, however many tasks read it; keep the last few."""
        if id(content) not in self._objects:
            while len(self._objects) >= 8:
                self._objects.pop(next(iter(self._objects)))
            self._objects[id(content)] = (content, ray.put(content))
        return self._objects[id(content)][1]


def _reason(error: Exception) -> str:
    if isinstance(error, RayActorError):
        return "the worker's process died (killed, out of memory, or its node is gone)"
    return f"the worker's events ended early ({type(error).__name__})"
