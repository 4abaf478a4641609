"""The backends: how a process opens an executor of its own, by name.

A new backend is an executor (`cluster.executor.Executor`) in a file of its own, a function here, and a line of
`BACKENDS`. The function imports what it needs when it is called: nobody pays for a backend that is not used.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.executor import Executor


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What an executor is opened for."""

    widest: int
    """Slots of the widest job."""
    home: Path
    """The folder of the sweeps' results; tells this machine's processes of one home from those of another."""


Backend = Callable[[Wanted], Executor]


def _open_local(wanted: Wanted) -> Executor:
    from cluster.executors.local import LocalExecutor, local_slots

    return LocalExecutor(local_slots(wanted.widest), hashlib.sha256(str(wanted.home).encode()).hexdigest()[:16])


def _open_ray(wanted: Wanted) -> Executor:
    from cluster.executors.local import local_slots, machine_cluster
    from cluster.ray import cluster as ray_cluster
    from cluster.ray.executor import RayExecutor

    ray_cluster.start_local(local_slots(wanted.widest))
    return RayExecutor(machine_cluster(), owns=True)


BACKENDS: dict[str, Backend] = {
    "local": _open_local,
    "ray": _open_ray,
}
"""Executors on this machine by name: its own processes, or a Ray that is started for the purpose."""
