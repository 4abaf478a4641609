"""The live scheduler against the simulator: the same jobs on the same nodes get the same slots at the same times.

The scheduler is the real one on a real store; its executor jumps the clock to the next end of a job, as the simulator
does. Jobs take what earlier jobs like them took, so both expect the same durations.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster.executor import Node, Task
from cluster.policy.policy import FreeSlots, Placement, PolicyJob
from cluster.policy.simulate import Simulation, Span
from cluster.scheduling import claiming
from cluster.scheduling.claiming import ClaimTarget
from cluster.scheduling.expectations import Expectations
from cluster.scheduling.scheduler import Scheduler
from jobs.events import Event, Finished
from jobs.files import FileStore
from jobs.paths import Home
from jobs.spec import Job, Machine, Order
from jobs.stages.registry import stage_named
from jobs.state import JobState
from jobs.store import JobRecord, Store

MACHINE = Machine(device="made up", dtype="float32", torch="0", attention="none", processes=1, threads=1)
BEGIN = 1000.0
FORGETFUL = (1, 3, 26, 35, 38, 45, 51, 68)
"""Seeds for which a policy that forgets its drains between two steps starts jobs elsewhere."""

Start = tuple[float, str, str, tuple[int, ...]]
"""When a job starts, its label, its node and its slots."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A job of the test; a wide one is a gang."""

    label: str
    slots: int
    seconds: float
    sweep: str = "a"
    priority: int = 0
    awaited: bool = True

    @property
    def order(self) -> Order:
        gang = self.slots > 1
        stage = "train" if gang else "quantize"
        settings = {"label": self.label} | ({"train": {"steps": self.seconds}} if gang else {"documents": self.seconds})
        job = Job(
            stage=stage, settings=settings, inputs={}, seed=0, machine=MACHINE, arithmetic=stage_named(stage).version
        )  # fmt: skip
        return Order(
            job=job, sweep=self.sweep, label=self.label, slots=self.slots, priority=self.priority, awaited=self.awaited
        )


Waves = Mapping[str, Sequence[Made]]
"""Label of a job → jobs that arrive when it ends; "" → at the beginning."""


class Clocked:
    """An executor of jobs that take as long as they say: waiting for events jumps to the next end."""

    cluster = "made up"

    def __init__(self, nodes: Sequence[int], jobs: Mapping[str, Made]) -> None:
        self.alive = [Node(name=f"n{n}", host="h", slots=slots, machine=MACHINE) for n, slots in enumerate(nodes)]
        self.now = BEGIN
        self.starts: list[Start] = []
        self.ended: list[str] = []
        self._jobs = jobs
        self._ends: dict[str, tuple[float, str]] = {}

    def clock(self) -> float:
        return self.now

    def nodes(self) -> list[Node]:
        return self.alive

    def start(self, task: Task) -> None:
        label = task.order.label
        self.starts.append((self.now, label, task.node, task.slots))
        self._ends[task.id] = (self.now + self._jobs[label].seconds, label)

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        self.now = min(end for end, _ in self._ends.values())
        ended = [task for task, (end, _) in self._ends.items() if end == self.now]
        self.ended = [self._ends.pop(task)[1] for task in ended]
        return [(task, Finished(outputs={"clocks": {}})) for task in ended]

    def cancel(self, task_id: str) -> None:
        raise AssertionError("nothing is cancelled here")

    def close(self) -> None:
        pass


def done(job: Made) -> JobRecord:
    """A finished job like this one, from which its duration is known."""
    return JobRecord(
        key="", order=job.order, state=JobState.DONE, created=0.0, failures=0, claimed_by=None, attempt=1,
        fraction=1.0, note="", checkpoint=None, outputs={}, reason=None, finished=0.0, seconds=job.seconds,
    )  # fmt: skip


def scheduled(nodes: Sequence[int], waves: Waves, folder: Path) -> list[Start]:
    """What the live scheduler does."""
    jobs = {job.label: job for wave in waves.values() for job in wave}
    executor = Clocked(nodes, jobs)
    arrivals = 0.0

    def clock() -> float:
        return executor.now + arrivals

    store, files = Store.open(f"sqlite:///{folder}/store.db", clock), FileStore(folder / "files")
    for sweep in "ab":
        store.put_sweep(sweep, {})
    scheduler = Scheduler(store, files, executor, Home(folder), clock=executor.clock, ticks=executor.clock)
    for job in jobs.values():
        scheduler._expect.learn(job.order, job.seconds)
    executor.ended = [""]
    while len(executor.starts) < len(jobs):
        for arrived in [job for label in executor.ended for job in waves.get(label, ())]:
            arrivals += 1e-3  # one after another: neither has to decide between equals
            store.put_job(arrived.order)
        arrivals = 0.0
        scheduler.step(0.0)
    store.close()
    return sorted(executor.starts)


def simulated(nodes: Sequence[int], waves: Waves) -> list[Start]:
    """What the simulator does."""
    jobs = {job.label: job for wave in waves.values() for job in wave}
    expected = Expectations([done(job) for job in jobs.values()])

    def arrive(labels: Iterable[str]) -> list[PolicyJob]:
        made = [job for label in labels for job in waves.get(label, ())]
        return [
            PolicyJob.of(job.label, job.order, simulation.now + 1e-3 * (n + 1), expected.seconds(job.order))
            for n, job in enumerate(made)
        ]

    def takes(job: PolicyJob, placement: Placement) -> float:
        return jobs[job.key].seconds

    def after(ended: Sequence[Span]) -> list[PolicyJob]:
        return arrive([span.job.key for span in ended])

    free = [FreeSlots(node=f"n{n}", capacity=slots, slots=tuple(range(slots))) for n, slots in enumerate(nodes)]
    simulation = Simulation(free, takes, now=BEGIN)
    spans = list(simulation.run(arrive([""]), after))
    return sorted((span.start, span.job.key, span.node, span.slots) for span in spans)


def drawn(seed: int) -> tuple[Sequence[int], Waves]:
    """Nodes and jobs by chance; half of the jobs arrive while others run."""
    draw = random.Random(seed)
    nodes = draw.choice([(4,), (4, 4), (4, 2), (8, 4), (4, 4, 4)])
    count, sweeps = draw.choice((10, 20, 30)), draw.choice(("a", "ab"))
    jobs = []
    for number in range(count):
        gang = draw.random() < 0.2
        jobs.append(
            Made(
                label=f"{'gang' if gang else 'single'} {number}",
                slots=draw.choice((2, 4)) if gang else 1,
                seconds=float(draw.randrange(10, 250)),
                sweep=draw.choice(sweeps),
                priority=draw.choice((0, 0, 0, 1)),
                awaited=draw.random() < 0.8,
            )
        )
    first, late = jobs[: count // 2], jobs[count // 2 :]
    waves: dict[str, list[Made]] = {"": first}
    for job in late:
        waves.setdefault(draw.choice(first).label, []).append(job)
    return nodes, waves


def single(label: str, seconds: float, sweep: str = "a") -> Made:
    return Made(label=label, slots=1, seconds=seconds, sweep=sweep)


def test_a_node_is_drained_for_a_gang_over_several_steps(tmp_path: Path) -> None:
    waves = {
        "": [single(f"e{n}", 100.0 + 50.0 * n) for n in range(4)],
        "e0": [Made(label="gang", slots=4, seconds=200.0), single("long", 240.0), single("short", 60.0, "b")],
    }
    live = scheduled([4], waves, tmp_path)
    assert live == [
        *((BEGIN, f"e{n}", "n0", (n,)) for n in range(4)),
        (BEGIN + 100, "short", "n0", (0,)),  # ends while the node is drained
        (BEGIN + 250, "gang", "n0", (0, 1, 2, 3)),
        (BEGIN + 450, "long", "n0", (0,)),
    ]
    assert live == simulated([4], waves)


@pytest.mark.parametrize("seed", FORGETFUL)
def test_drawn_jobs_start_where_and_when_the_simulator_starts_them(seed: int, tmp_path: Path) -> None:
    nodes, waves = drawn(seed)
    assert scheduled(nodes, waves, tmp_path) == simulated(nodes, waves)


def everything(slot_class: str, nodes: Sequence[FreeSlots]) -> Iterable[ClaimTarget]:
    return [ClaimTarget(slot_class=slot_class, widths=(1, 8), wanted=1000, ahead=0)]


@pytest.mark.parametrize("seed", range(20))
def test_a_scheduler_that_has_claimed_all_jobs_decides_just_as_the_simulator_does(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims are the one difference: a scheduler decides among the jobs that it has claimed, and leaves others the
    rest."""
    monkeypatch.setattr(claiming, "claim_targets", everything)
    nodes, waves = drawn(seed)
    assert scheduled(nodes, waves, tmp_path) == simulated(nodes, waves)
