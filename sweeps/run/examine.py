"""Checking the nodes of a Ray cluster that is running, and writing down what the check showed."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.ray.supervised import join_ray
from jobs.workplace import Workplace
from sweeps.machine import doctor
from sweeps.run.driving.opening import resolve
from sweeps.run.roles import machine_of
from sweeps.run.waiting import say_if_slow
from sweeps.spec.file import load_sweep


def examine_cluster(
    file: Path | None, ray_address: str, seconds: float, home: Path, database: str | None, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Check every node of a Ray cluster, with a sweep also its data and its recipe's pace, and write it down.

    Raises:
        InputError: no address, the cluster refuses us, or the sweep's file or data are wrong.
        Unavailable: the cluster cannot be reached, or is lost meanwhile.
    """
    place = Workplace.open(home, database)
    with say_if_slow(say, f"Checking the nodes of {ray_address}, which takes some minutes at most"):
        executor = join_ray(ray_address)
        try:
            sweep = None
            if file is not None:
                spec = load_sweep(file)
                sweep = resolve(spec, place.home, machine_of(executor.nodes(), None))
            checks = doctor.examine(sweep, executor, seconds)
            doctor.write_down(checks, executor.cluster, place.store, time.time())
        finally:
            executor.close()
    return [check.to_json() for check in checks]
