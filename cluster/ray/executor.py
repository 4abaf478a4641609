"""The executor on Ray: one lease per node, warm worker actors on its slots, a launcher actor per gang."""

import os
import time
from dataclasses import dataclass, field, replace
from typing import Any

import ray
import torch
from ray.exceptions import GetTimeoutError, OutOfMemoryError, RayError, RayTaskError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.executor import Node, Task, Unplaceable
from cluster.executors.processes import end_marked
from cluster.executors.worker import run_task
from cluster.ray import lease
from cluster.ray.lease import Lease, Place
from cluster.ray.reach import PATIENCE_SECONDS, Endpoint, ReachWatch
from jobs.events import Event, Failed, Failure, Finished
from jobs.failures import classify
from jobs.machine import environment
from jobs.spec import Machine

MACHINE_SECONDS = 120.0
"""Time for a node to report its machine class; a busy node takes a while to import torch."""
FETCH_SECONDS = 60.0
"""Time for the content of an event to come from its node."""
SWEEP_SECONDS = 20.0
"""Time for a node to end the rest of a gang."""
REASON_CHARACTERS = 400
"""Characters kept of Ray's own messages, which fill a page."""


@ray.remote(max_retries=0, num_cpus=0, max_calls=1)
def _machine_of(kind: str) -> Machine:
    """The machine class of a node; the label golfsweep/kind distinguishes nodes whose GPUs have one name."""
    machine = environment.machine()
    return replace(machine, device=f"{machine.device} [{kind}]") if kind else machine


@ray.remote(max_retries=0, num_cpus=0, max_calls=1)
def _end_gang(task: str) -> list[int]:
    """End all processes of a gang on this node."""
    return end_marked(lambda mark: mark.task == task)


@ray.remote(max_restarts=0, max_task_retries=0)
class Worker:
    """A process on one slot, which stays warm between jobs, or on several, which launches a gang."""

    def __init__(self) -> None:
        torch.set_num_threads(environment.CPU_THREADS)
        # Ray ends a worker whose driver or raylet has died, but leaves it a minute, or for ever, after its GCS has.
        gcs = Endpoint.parse(ray.get_runtime_context().gcs_address)
        self._watch = ReachWatch({"GCS": gcs}, PATIENCE_SECONDS, when_lost=lambda: os._exit(1))

    @ray.method(num_returns="streaming")
    def run(self, task: Task, inputs: list[Any]) -> Any:
        """Events of a task; its inputs come through the object store, so that nodes need no shared disk."""
        contents = dict(zip(task.inputs, ray.get(inputs), strict=True))
        yield from run_task(replace(task, inputs=contents))


@dataclass(slots=True)
class _RunningTask:
    task: Task
    actor: Any
    events: Any
    """The stream of the actor's events."""
    begun: bool = False
    """Whether it has sent any."""


@dataclass(slots=True)
class RayExecutor:
    """Runs tasks on the Ray cluster that this process has started or joined; hangs when Ray does (`SupervisedRay`)."""

    cluster: str
    _leases: dict[str, Lease] = field(default_factory=dict)
    _classes: dict[str, Any] = field(default_factory=dict)
    """Node → reference to its machine class, until that has come."""
    _nodes: dict[str, Node] = field(default_factory=dict)
    _idle: dict[tuple[str, int], Any] = field(default_factory=dict)
    """Warm workers by node and slot."""
    _running: dict[str, _RunningTask] = field(default_factory=dict)
    _objects: dict[int, tuple[bytes, Any]] = field(default_factory=dict)
    """Inputs in Ray's object store, by identity of their content."""

    def nodes(self) -> list[Node]:
        """Nodes that are alive and have reported their machine class; waits for the first of them."""
        alive = lease.places()
        for name in (self._leases.keys() | self._nodes.keys() | self._classes.keys()) - alive.keys():
            self._lose(name)
        for name in alive.keys() - self._nodes.keys() - self._classes.keys():
            on_node = NodeAffinitySchedulingStrategy(name, soft=False)
            self._classes[name] = _machine_of.options(scheduling_strategy=on_node).remote(alive[name].kind)
        if self._classes:
            waiting = list(self._classes.values())
            ray.wait(waiting, num_returns=len(waiting), timeout=0 if self._nodes else MACHINE_SECONDS)
        for name in list(self._classes):
            self._receive_class(name, alive[name])
        return [self._nodes[name] for name in alive if name in self._nodes]

    def _receive_class(self, name: str, place: Place) -> None:
        try:
            machine = ray.get(self._classes[name], timeout=0)
        except GetTimeoutError:
            return
        except RayError:  # `nodes` requests it once more at its next call
            del self._classes[name]
            return
        del self._classes[name]
        self._nodes[name] = Node(name=name, host=place.host, slots=place.slots, machine=machine)

    def _lose(self, name: str) -> None:
        """Forget a node that is gone, with its lease and its warm workers."""
        self._nodes.pop(name, None)
        self._classes.pop(name, None)
        if node_lease := self._leases.pop(name, None):
            lease.give_back(node_lease)
        for place in [place for place in self._idle if place[0] == name]:
            del self._idle[place]

    def start(self, task: Task) -> None:
        if task.stage.is_gang:
            for slot in task.slots:  # workers end when a gang takes their slots
                if actor := self._idle.pop((task.node, slot), None):
                    ray.kill(actor)
            actor = self._worker(task.node, len(task.slots))
        else:
            actor = self._warm_worker(task.node, task.slots[0])
        inputs = [self._put(content) for content in task.inputs.values()]
        bare = replace(task, inputs=dict.fromkeys(task.inputs, b""))
        self._running[task.id] = _RunningTask(task, actor, actor.run.remote(bare, inputs))

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        streams = {running.events: task_id for task_id, running in self._running.items()}
        if not streams:
            time.sleep(timeout)
            return []
        ready, _ = ray.wait(list(streams), num_returns=1, timeout=timeout, fetch_local=False)
        if ready:  # one has come: take all others that are there
            ready, _ = ray.wait(list(streams), num_returns=len(streams), timeout=0, fetch_local=False)
        return [(streams[stream], self._next(streams[stream], stream)) for stream in ready]

    def cancel(self, task_id: str) -> None:
        if running := self._running.pop(task_id, None):
            ray.kill(running.actor)
            if running.task.stage.is_gang:
                self._sweep(running.task)

    def _sweep(self, task: Task) -> None:
        """End all processes of a gang on its node; a node that does not answer is lost with them."""
        if task.node in lease.places():
            on_node = NodeAffinitySchedulingStrategy(task.node, soft=False)
            ray.wait([_end_gang.options(scheduling_strategy=on_node).remote(task.id)], timeout=SWEEP_SECONDS)

    def close(self) -> None:
        for task_id in list(self._running):
            self.cancel(task_id)
        for actor in self._idle.values():
            ray.kill(actor)
        for node_lease in self._leases.values():
            lease.give_back(node_lease)
        self._idle.clear()
        self._leases.clear()
        self._objects.clear()

    def _next(self, task_id: str, stream: Any) -> Event:
        try:
            event: Event = ray.get(next(stream), timeout=FETCH_SECONDS)
        except (RayError, StopIteration) as error:
            # The node may live, but this worker's stream is broken: end the actor, and let the job be retried.
            lost = self._running.pop(task_id)
            event = _post_mortem(error, node_lives=lost.task.node in lease.places(), begun=lost.begun)
            self._retire(lost, lost=True)
        else:
            self._running[task_id].begun = True
            if isinstance(event, Finished | Failed):
                self._retire(self._running.pop(task_id), lost=False)
        return event

    def _retire(self, running: _RunningTask, *, lost: bool) -> None:
        """Keep a worker warm; end a gang's launcher and any lost worker."""
        if lost or running.task.stage.is_gang:
            ray.kill(running.actor)
        else:
            self._idle[running.task.node, running.task.slots[0]] = running.actor

    def _warm_worker(self, node: str, slot: int) -> Any:
        return self._idle.pop((node, slot), None) or self._worker(node, 1)

    def _worker(self, name: str, slots: int) -> Any:
        if name not in self._leases:
            place = lease.places().get(name)
            if place is None or name not in self._nodes:
                raise Unplaceable(f"node {name[:12]} is gone")
            self._leases[name] = lease.take(place, self._nodes[name])
        remote: Any = Worker  # Ray's decorator hides the type of the actor class
        return remote.options(**self._leases[name].options(slots)).remote()

    def _put(self, content: bytes) -> Any:
        """Put a content into the object store once for all tasks that read it; keep the last few."""
        if id(content) not in self._objects:
            while len(self._objects) >= 8:
                self._objects.pop(next(iter(self._objects)))
            self._objects[id(content)] = (content, ray.put(content))
        return self._objects[id(content)][1]


def _post_mortem(error: Exception, *, node_lives: bool, begun: bool) -> Failed:
    """The failure behind a broken stream of events: the node's liveness decides, not Ray's first error.

    A signal, an exit and a kill for lack of memory all look alike here. A worker that died before its first event did
    not die of its task: a warm one may have died while it waited.
    """
    text = " ".join(str(error).split())
    if isinstance(error, OutOfMemoryError) or "low on memory" in text or "memory monitor" in text.lower():
        return Failed(failure=Failure.HOST_MEMORY, reason="Ray killed its worker: the node is low on memory", log=text)
    if isinstance(error, RayTaskError):
        return Failed(failure=classify(error.cause or error), reason=text[:REASON_CHARACTERS], log=text)
    if not node_lives:
        return Failed(failure=Failure.LOST, reason="its node is gone")
    died = "its worker's process died or was killed; its node lives"
    return Failed(failure=Failure.DIED if begun else Failure.LOST, reason=f"{died} ({text[:REASON_CHARACTERS]})")
