"""A cluster that several threads of this process talk to: one at a time, since its connection takes turns."""

import threading
from collections.abc import Mapping, Sequence

from cluster.executor import JoinedExecutor, Node, Task
from jobs.events import Event


class SharedExecutor:
    """A joined executor behind a lock: a scheduler uses it, and threads that open sweeps ask it for its nodes."""

    def __init__(self, executor: JoinedExecutor) -> None:
        self._executor, self._lock = executor, threading.RLock()

    @property
    def cluster(self) -> str:
        """The cluster's unique name."""
        return self._executor.cluster

    def nodes(self) -> list[Node]:
        with self._lock:
            return self._executor.nodes()

    def start(self, task: Task) -> None:
        with self._lock:
            self._executor.start(task)

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        with self._lock:
            return self._executor.poll(timeout)

    def cancel(self, task_id: str) -> None:
        with self._lock:
            self._executor.cancel(task_id)

    def close(self) -> None:
        with self._lock:
            self._executor.close()

    def interpreters(self, python: str | None, passed: Sequence[str]) -> Mapping[str, Mapping[str, str | None] | str]:
        with self._lock:
            return self._executor.interpreters(python, passed)
