"""Where drivers run their jobs: this machine, a Ray of their own, or a cluster of fake nodes that they join."""

import os
import random
import signal
import sys
from collections.abc import Callable
from typing import Any, Protocol

START_TRIES = 5


class Cluster(Protocol):
    """Where drivers run their jobs. What is not theirs to lose returns False."""

    is_own: bool
    """Whether each driver starts it itself, with Ray."""

    def arguments(self) -> list[str]:
        """Options of the drivers' commands."""
        ...

    def replace_node(self) -> bool:
        """Kill a node, and add another one."""
        ...

    def kill_raylet(self) -> bool:
        """Kill a node's raylet alone, and add another node."""
        ...

    def replace_head(self) -> bool:
        """Kill the head's control service, and build the cluster anew at another address."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class Here:
    """This machine without Ray, or with a Ray that each driver starts."""

    def __init__(self, *, with_ray: bool) -> None:
        self.is_own = with_ray

    def arguments(self) -> list[str]:
        return [] if self.is_own else ["--here"]

    def replace_node(self) -> bool:
        return False

    def kill_raylet(self) -> bool:
        return False

    def replace_head(self) -> bool:
        return False

    def close(self) -> None:
        pass


class FakeNodes:
    """A Ray cluster of several nodes on this machine, whose head runs no jobs."""

    is_own = False

    def __init__(self, nodes: int, slots: int) -> None:
        self._slots, self._number = slots, nodes
        self._build()

    def _build(self) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000}
        health |= {"health_check_timeout_ms": 2000, "health_check_failure_threshold": 5}
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health}
        self._cluster = _start(lambda: RayCluster(initialize_head=True, head_node_args=head))
        self._nodes = [self._add() for _ in range(self._number)]

    def _add(self) -> Any:
        return _start(lambda: self._cluster.add_node(num_cpus=self._slots, include_dashboard=False))

    def arguments(self) -> list[str]:
        return ["--ray", self._cluster.address]

    def replace_node(self) -> bool:
        self._cluster.remove_node(self._take(), allow_graceful=False)
        self._nodes.append(self._add())
        return True

    def kill_raylet(self) -> bool:
        node = self._take()
        _kill(node, "raylet")
        self._nodes.append(self._add())
        self._cluster.remove_node(node, allow_graceful=False)
        return True

    def replace_head(self) -> bool:
        _kill(self._cluster.head_node, "gcs_server")
        self.close()
        self._build()
        return True

    def _take(self) -> Any:
        return self._nodes.pop(random.randrange(len(self._nodes)))

    def close(self) -> None:
        self._cluster.shutdown()


def _start(node: Callable[[], Any]) -> Any:
    """Start a node, the head's or another; a busy machine is too slow for Ray's patience of 30 seconds."""
    for _ in range(START_TRIES):
        try:
            return node()
        except Exception as error:  # Ray's own, of no finer class
            print(f"no new node yet: {error}", file=sys.stderr, flush=True)
    raise AssertionError("Ray starts no node here")


def _kill(node: Any, kind: str) -> None:
    """Kill a node's process of a kind, behind its back."""
    for started in node.all_processes[kind]:
        os.kill(started.process.pid, signal.SIGKILL)
