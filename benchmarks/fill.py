"""How full the scheduler keeps a cluster: 500 mixed jobs on 4 nodes of 8 slots, the real scheduler and store, and jobs
that are timed sleeps in processes of their own.

    python -m benchmarks.fill [--jobs 500] [--json]

One job in twenty-five is a gang of a whole node, the rest take one slot; most wait from the beginning, some come when
half is done. The processes know no torch: `start_up_seconds` says what importing it costs on this machine, which a real
worker pays once and a gang every time. `overhead_ms_per_job` is all the time of the scheduler's loop that it does
not spend waiting: claims, decisions, starts, results, every write to the store included.
"""

import argparse
import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cluster.executor import Node, Task
from cluster.scheduling.scheduler import Scheduler
from jobs.events import Event, Finished
from jobs.files import FileStore
from jobs.paths import Home
from jobs.spec import Job, Machine, Order
from jobs.stages.registry import stage_named
from jobs.store import Store

NODES, SLOTS = 4, 8
MACHINE = Machine(device="sleeper", dtype="none", torch="0.0", attention="none", processes=1, threads=1)


class Sleepers:
    """An executor whose tasks sleep for as long as their settings say."""

    def __init__(self) -> None:
        self._processes: dict[int, tuple[Task, subprocess.Popen[bytes]]] = {}
        """By the descriptor that tells of the process's end."""
        self._poll = select.poll()
        self.waited = 0.0
        """Seconds spent waiting for something to happen."""
        self.busy = 0
        """Slots in use."""
        self.started = 0
        """Tasks so far."""

    def nodes(self) -> list[Node]:
        return [Node(name=f"node {number}", host="here", slots=SLOTS, machine=MACHINE) for number in range(NODES)]

    @property
    def cluster(self) -> str:
        return "sleepers"

    def start(self, task: Task) -> None:
        process = subprocess.Popen(["sleep", str(task.order.job.settings["seconds"])])
        descriptor = os.pidfd_open(process.pid)
        self._processes[descriptor] = (task, process)
        self._poll.register(descriptor, select.POLLIN)
        self.busy += len(task.slots)
        self.started += 1

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        began = time.perf_counter()
        ready = self._poll.poll(1000 * timeout)
        self.waited += time.perf_counter() - began
        return [(self._end(descriptor).id, Finished(outputs={"clocks": {}})) for descriptor, _ in ready]

    def cancel(self, task_id: str) -> None:
        for descriptor, (task, process) in list(self._processes.items()):
            if task.id == task_id:
                process.kill()
                self._end(descriptor)

    def close(self) -> None:
        for _, (task, _) in list(self._processes.items()):
            self.cancel(task.id)

    def _end(self, descriptor: int) -> Task:
        task, process = self._processes.pop(descriptor)
        process.wait()
        self._poll.unregister(descriptor)
        os.close(descriptor)
        self.busy -= len(task.slots)
        return task


def mixed_orders(count: int, weights: str, scale: float) -> Iterable[Order]:
    """Gangs of a whole node for 12 × scale seconds, and single slots for 1 to 4 × scale seconds."""
    draw = random.Random(0)
    for number in range(count):
        gang = number % 25 == 0
        seconds = scale * (12.0 if gang else draw.uniform(1.0, 4.0))
        stage = "train" if gang else "quantize"
        job = Job(
            stage=stage,
            settings={"seconds": round(seconds, 3), "number": number},
            inputs={"weights": weights},
            seed=number,
            machine=MACHINE,
            arithmetic=stage_named(stage).version,
        )
        yield Order(job=job, sweep=f"sweep {number % 2}", label=f"job {number}", slots=SLOTS if gang else 1)


def measure(num_jobs: int, scale: float) -> dict[str, Any]:
    """Run once, and measure on the way."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder))
        store, files = Store.open(home.database_url), FileStore(home.files)
        for sweep in ("sweep 0", "sweep 1"):
            store.put_sweep(sweep, {})
        orders = list(mixed_orders(num_jobs, files.put(b"weights"), scale))
        late = orders[len(orders) * 9 // 10 :]
        for order in orders[: len(orders) - len(late)]:
            store.put_job(order)
        executor = Sleepers()
        scheduler = Scheduler(store, files, executor, home)
        total = idle = in_steps = 0.0
        ordered, began = num_jobs - len(late), time.perf_counter()
        last, processor = began, time.process_time()
        try:
            while executor.started < num_jobs or executor.busy:
                if late and executor.started >= num_jobs // 2:
                    for order in late:
                        store.put_job(order)
                    ordered, late, last = num_jobs, [], time.perf_counter()
                waiting, busy, before = ordered - executor.started, executor.busy, executor.waited
                scheduler.step(0.5)
                now = time.perf_counter()
                in_steps += now - last - (executor.waited - before)
                if waiting:
                    total += NODES * SLOTS * (now - last)
                    idle += (NODES * SLOTS - (busy + executor.busy) / 2) * (now - last)
                last = now
        finally:
            scheduler.stop()
            executor.close()
            store.close()
        return {
            "jobs": num_jobs,
            "slots": NODES * SLOTS,
            "seconds": last - began,
            "idle_share": idle / total if total else 0.0,
            "overhead_ms_per_job": 1000 * in_steps / num_jobs,
            "processor_ms_per_job": 1000 * (time.process_time() - processor) / num_jobs,
        }


def start_up_seconds() -> dict[str, float]:
    """What a process costs until it is there: bare, and with torch."""
    found = {}
    for name, code in (("python", ""), ("python with torch", "import torch")):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        found[name] = time.perf_counter() - began
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--scale", type=float, default=2.0, help="of the jobs' seconds")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.jobs, given.scale) | {"start_up_seconds": start_up_seconds()}
    if given.json:
        print(json.dumps(found))
        return
    starts = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in found["start_up_seconds"].items())
    print(
        f"{found['jobs']} jobs on {found['slots']} slots in {found['seconds']:.1f} s: idle {found['idle_share']:.2%} "
        f"while work waited; scheduling a job took {found['overhead_ms_per_job']:.1f} ms, of these "
        f"{found['processor_ms_per_job']:.1f} ms on the processor; start of a process: {starts}"
    )


if __name__ == "__main__":
    main()
