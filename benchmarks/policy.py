"""The policy at 1,000 nodes of 8 slots and 100,000 jobs on a virtual clock: idle share, time of a decision, memory.

    python -m benchmarks.policy [--nodes 1000] [--jobs 100000] [--json]

Five sweeps of two priorities. One job in fifty is a gang of 8 slots for ten minutes, the rest are evaluations of 20 to
120 seconds; estimates are off by up to a third. Two jobs per slot wait at the beginning, and each finished job brings
another one, so that gangs arrive on nodes full of evaluations. One node in fifty is lost for five minutes, and one
attempt in a hundred fails half-way. The time per job is processor time of decisions and of the simulation around them.
"""

import argparse
import itertools
import json
import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import psutil

from cluster.policy.policy import Placement, PolicyJob
from cluster.policy.simulate import Machines, Outage, Simulation, Span

SLOTS = 8
SAMPLES = 10
"""Measurements of the memory on the way."""


def mixed_jobs(count: int, seed: int) -> Iterator[PolicyJob]:
    """Jobs as they come, with what each is expected to take."""
    draw = random.Random(seed)
    for number in range(count):
        gang = draw.random() < 0.02
        yield (
            PolicyJob(
                key=f"{number:06d}",
                gang=gang,
                slots=8 if gang else 1,
                priority=draw.choice((0, 0, 0, 1)),
                since=0.0,
                sweep=f"sweep {number % 5}",
                artifact=None if gang else f"artifact {draw.randrange(50)}",
                seconds=600.0 if gang else draw.uniform(20, 120),
            )
        )


def resident_bytes() -> int:
    """Memory of this process now."""
    return psutil.Process().memory_info().rss


def measure(num_nodes: int, num_jobs: int, *, seed: int = 0) -> dict[str, Any]:
    """Simulate once, and measure on the way."""
    jobs = mixed_jobs(num_jobs, seed)
    first = list(itertools.islice(jobs, 2 * SLOTS * num_nodes))
    nodes = Machines(nodes=num_nodes, slots=SLOTS).free()
    draw = random.Random(seed + 1)
    outages = [
        Outage(node=node.node, at=(at := draw.uniform(60, 600)), until=at + 300)
        for node in draw.sample(nodes, max(1, num_nodes // 50))
    ]
    failing = set(draw.sample(range(num_jobs), num_jobs // 100))

    def seconds(job: PolicyJob, placement: Placement) -> float:
        assert job.seconds is not None
        return job.seconds * (0.67 + 0.67 * random.Random(job.key).random())

    def fails(job: PolicyJob, attempt: int) -> float | None:
        return 0.5 if attempt == 1 and int(job.key) in failing else None

    def after(ended: Sequence[Span]) -> Iterable[PolicyJob]:
        come = itertools.islice(jobs, sum(span.outcome == "done" for span in ended))
        return [replace(job, since=simulation.now) for job in come]

    simulation = Simulation(nodes, seconds, outages=outages, fails=fails)
    started, done, memory = time.process_time(), 0, []
    for span in simulation.run(first, after):
        done += span.outcome == "done"
        if span.outcome == "done" and done % max(1, num_jobs // SAMPLES) == 0:
            memory.append(resident_bytes())
    spent = time.process_time() - started
    assert done == num_jobs
    totals = simulation.totals
    return {
        "nodes": num_nodes,
        "jobs": num_jobs,
        "placements": totals.placements,
        "virtual_seconds": totals.seconds,
        "idle_share": totals.idle_share,
        "utilization": totals.utilization,
        "ms_per_job": 1000 * spent / totals.placements,
        "memory_bytes": memory,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.nodes, given.jobs)
    if given.json:
        print(json.dumps(found))
        return
    print(
        f"{found['nodes']} nodes × 8, {found['jobs']} jobs, {found['placements']} placements: "
        f"{found['virtual_seconds']:.0f} s on the virtual clock, idle {found['idle_share']:.2%} while work waited, "
        f"utilization {found['utilization']:.1%}, {found['ms_per_job']:.3f} ms a job, "
        f"memory {' → '.join(f'{size / 2**20:.1f}' for size in found['memory_bytes'])} MiB"
    )


if __name__ == "__main__":
    main()
