"""The executor on Ray as others use it: Ray runs beside this process, and what becomes of it stays there.

When a Ray of our own is lost, it is started anew, a few times. A cluster that is not ours is only joined anew, if the
process that talks to it was all that was lost; else its loss ends the work with `Unavailable`. The jobs that ran there
end as lost, which is not their fault.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from cluster.executor import Node, Opening, Task
from cluster.executors.local import local_slots, machine_cluster
from cluster.ray.address import parse_head, require_listener
from cluster.ray.folders import logs, remove_dead
from cluster.ray.host import HostEnded, OwnRay, RayHost, RayLost, RayOrigin, RunningRay
from jobs.errors import Unavailable
from jobs.events import Event, Failed, Failure, Finished
from jobs.machine.facts import DataPlaces

if TYPE_CHECKING:
    from cluster.ray.survey import NodeSurvey

MOST_LOSSES, WITHIN_SECONDS = 5, 3600.0
"""A Ray that is lost so often in such a time is neither started nor joined anew."""


class SupervisedRay:
    """Runs tasks on Ray, which may be lost at any time.

    Raises (`nodes`, `start`, `poll`): Unavailable if Ray is lost for good.
    """

    def __init__(self, origin: RayOrigin, name: str, say: Callable[[str], None]) -> None:
        """Have nothing run yet; `nodes` starts or joins Ray.

        Args:
            origin: where the Ray comes from, at first and after a loss.
            name: what messages call it.
            say: called with what a person should know.
        """
        self._origin, self._name, self._say = origin, name, say
        self._host: RayHost | None = None
        self._losses: deque[float] = deque()
        """When Ray was lost."""
        self._last: RayLost | None = None
        """The last loss, until Ray is started or joined anew."""
        self._cluster = ""
        """The cluster that was joined first."""
        self._tasks: dict[str, Task] = {}
        """Tasks that run on the present Ray."""
        self._ended: list[tuple[str, Event]] = []
        """Ends of tasks that were lost with Ray, until they are polled."""

    @property
    def cluster(self) -> str:
        """The cluster's unique name; a Ray of our own is this machine."""
        return machine_cluster() if self._origin.is_own else self._cluster

    def open(self) -> RayHost:
        """The process that talks to Ray; starts it if there is none.

        Raises:
            InputError: the cluster refuses us.
            Unavailable: there is no Ray any more, or too often none.
        """
        while self._host is None:
            if self._last is not None:
                self._go_on_after(self._last)
            try:
                self._host = RayHost(self._origin)
            except RayLost as lost:
                self._note_loss(lost)
        self._cluster = self._cluster or self._host.cluster
        if not self._origin.is_own and self._host.cluster != self._cluster:
            raise Unavailable(f"{self._name} is lost: another cluster answers there now")
        return self._host

    def nodes(self) -> list[Node]:
        while True:
            host = self.open()
            try:
                nodes: list[Node] = host.call("nodes")
                if self._origin.is_own and not nodes:  # its raylet says good-bye before it ends
                    raise RayLost("its node has left")
            except RayLost as lost:
                self._lose(lost)
            else:
                return nodes

    def start(self, task: Task) -> None:
        self._tasks[task.id] = task
        try:
            self.open().call("start", task)
        except RayLost as lost:  # it ends like those that ran
            self._lose(lost)
        except BaseException:
            self._tasks.pop(task.id, None)
            raise

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        if not self._ended:
            try:
                self._ended = self.open().call("poll", timeout)
            except RayLost as lost:
                self._lose(lost)
        events, self._ended = self._ended, []
        for task_id, event in events:
            if isinstance(event, Finished | Failed):
                self._tasks.pop(task_id, None)
        return events

    def cancel(self, task_id: str) -> None:
        self._ended = [(name, event) for name, event in self._ended if name != task_id]
        if self._tasks.pop(task_id, None) is not None and self._host is not None:
            try:
                self._host.call("cancel", task_id)
            except RayLost as lost:
                self._lose(lost)

    def close(self) -> None:
        if self._host is not None:
            self._host.close()
        self._host = None
        self._tasks.clear()
        self._ended.clear()

    def survey(self, data: DataPlaces | None) -> "list[NodeSurvey]":
        """Facts about every node that is alive and has slots.

        Raises:
            Unavailable: the cluster is gone.
        """
        try:
            answers: list[NodeSurvey] = self.open().call("survey", data)
        except RayLost as lost:
            raise Unavailable(f"{self._name}: {lost}") from None
        return answers

    def interpreters(self, python: str | None, passed: Sequence[str]) -> dict[str, Mapping[str, str | None] | str]:
        """What a script's own interpreter is on every node (`cluster.ray.survey`).

        Raises:
            Unavailable: the cluster is gone.
        """
        try:
            answers: dict[str, Mapping[str, str | None] | str] = self.open().call("interpreters", python, list(passed))
        except RayLost as lost:
            raise Unavailable(f"{self._name}: {lost}") from None
        return answers

    def _lose(self, lost: RayLost) -> None:
        """End what is left of Ray, and all tasks with it."""
        if self._host is not None:
            self._host.kill()
        self._host = None
        self._note_loss(lost)
        end = Failed(failure=Failure.LOST, reason=f"Ray was lost: {lost}")
        self._ended += [(task_id, end) for task_id in self._tasks]
        self._tasks.clear()

    def _note_loss(self, lost: RayLost) -> None:
        self._losses.append(time.monotonic())
        self._last = lost

    def _go_on_after(self, lost: RayLost) -> None:
        """Say that Ray starts anew, unless it is not ours to start, or is lost too often."""
        while self._losses and self._losses[0] < time.monotonic() - WITHIN_SECONDS:
            self._losses.popleft()
        if not self._origin.is_own and not isinstance(lost, HostEnded):
            raise Unavailable(f"{self._name} is lost: {lost}")
        if len(self._losses) >= MOST_LOSSES:
            often = f"was lost {MOST_LOSSES} times within an hour, at last because {lost}"
            raise Unavailable(f"{self._name} {often} (Ray's own messages: {logs()})")
        how = "starts" if self._origin.is_own else "is joined"
        self._say(f"{self._name} is lost: {lost}. It {how} anew; jobs that ran there are retried.")
        self._last = None


def open_ray(opening: Opening) -> SupervisedRay:
    """A Ray on this machine, which starts when its nodes are first looked at, and ends with its executor."""
    remove_dead()
    return SupervisedRay(OwnRay(local_slots(opening.widest)), "Ray on this machine", opening.say)


def join_ray(address: str) -> SupervisedRay:
    """Join a running Ray cluster.

    Raises:
        InputError: no address, or the cluster refuses us.
        Unavailable: it cannot be reached.
    """
    require_listener(parse_head(address))  # the same is found out again where Ray is loaded, which takes a while
    remove_dead()
    joined = SupervisedRay(RunningRay(address), f"--ray {address}", say=lambda text: None)
    joined.open()
    return joined
