"""The time left of a running sweep, from made-up plans and jobs, exactly."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.state import JobState
from jobs.store import Store
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.planning.plan import plan
from sweeps.planning.remaining import TRUST, RemainingTime
from sweeps.speed.samples import Speed
from tests.sweeps.made_up_world import DATA, MACHINE, World, spec_of
from tests.sweeps.views.terminal.test_progress import job

PLANNED = RemainingTime(planned={"train": (10.0, 10.0), "eval": (1.0, 2.0, 27.0)}, seconds=25.0, reused=frozenset())
"""50 slot-seconds in 25 seconds: two slots."""


def snapshot(*jobs: Any, phase: str = "search", **to_come: int) -> Snapshot:
    return Snapshot(phase=phase, done=False, jobs=jobs, trials=0, trials_done=0, best=None, to_come=to_come)


def test_at_first_all_of_the_plan_is_left() -> None:
    assert PLANNED.after(snapshot(train=2, eval=3)) == 25.0


def test_finished_jobs_leave_in_the_plans_order_and_correct_its_pace() -> None:
    first = replace(job("done", 1), seconds=10.0, finished=1.0)
    assert PLANNED.after(snapshot(first, train=1, eval=3)) == pytest.approx(40 / 2)
    slow = replace(first, seconds=20.0)
    pace = (20 + TRUST * 50) / (10 + TRUST * 50)
    assert PLANNED.after(snapshot(slow, train=1, eval=3)) == pytest.approx(pace * 40 / 2)


def test_what_a_running_job_has_done_is_not_left() -> None:
    running = job("running", 1, fraction=0.5)
    assert PLANNED.after(snapshot(running, train=2, eval=3)) == pytest.approx((50 - 5) / 2)


def test_what_is_not_to_come_any_more_is_not_left() -> None:
    assert PLANNED.after(snapshot(phase="confirm", train=2, eval=2)) == pytest.approx((20 + 3) / 2)
    assert PLANNED.after(snapshot(phase="done")) == 0.0
    assert PLANNED.after(snapshot(phase="search", train=2, eval=2)) == 25.0  # its best trials are not known yet


def test_what_was_finished_before_says_nothing() -> None:
    before = replace(job("done", 1), seconds=99.0, finished=1.0)
    known = replace(PLANNED, reused=frozenset({before.key}))
    assert known.after(snapshot(before, train=2, eval=3)) == 25.0


def test_a_sweeps_own_plan_runs_down_to_nothing(tmp_path: Any) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    spec = spec_of()
    sweep = Sweep(spec=spec, data=DATA, machine=MACHINE)
    made = plan(
        sweep, store, nodes=1, slots=4, now=0.0, speed=Speed(core_flops=1e12), lengths=lambda split: (400,) * 16
    )
    remaining = RemainingTime.of(made)
    assert remaining is not None
    world = World(spec, store)
    first = world.look()
    assert remaining.after(first) == pytest.approx(made.dry_run.totals.seconds)
    last = world.play()
    assert all(each.state == JobState.DONE for each in last.jobs)
    assert remaining.after(last) == 0.0
    store.close()


def test_where_durations_are_unknown_nothing_is_said(store: Store) -> None:
    sweep = Sweep(spec=spec_of(), data=DATA, machine=MACHINE)
    assert RemainingTime.of(plan(sweep, store, nodes=1, slots=4, now=0.0, lengths=lambda split: (400,) * 16)) is None


@pytest.fixture
def store() -> Store:
    return Store.empty()
