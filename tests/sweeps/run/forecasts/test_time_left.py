"""The time left of a run: by its plan, which is made once for a number of slots, or else by finished jobs."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.store import Store
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.planning.plan import plan
from sweeps.run.forecasts.time_left import TimeLeft
from sweeps.spec.file import SweepSpec
from sweeps.speed.samples import Speed, keep_speed
from tests.sweeps.made_up_world import DATA, MACHINE, World, searching, spec_of

SPEED = Speed(core_flops=1e11)


@pytest.fixture(autouse=True)
def lengths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The made-up data have no files, and nothing is known of this machine."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("sweeps.planning.plan.document_lengths", lambda data, split: (400,) * 16)


def begin(spec: SweepSpec, folder: Path) -> tuple[TimeLeft, World, Sweep]:
    keep_speed(SPEED)
    store, sweep = Store.open(f"sqlite:///{folder}/store.db"), Sweep(spec=spec, data=DATA, machine=MACHINE)
    return TimeLeft(sweep, store, 0.0), World(spec, store), sweep


def test_a_run_begins_with_the_time_of_its_plan_and_ends_with_none(tmp_path: Path) -> None:
    left, world, sweep = begin(spec_of(), tmp_path)
    first = world.look()
    assert left.estimate(first, 0, 0) is None  # no cluster yet
    for slots in (4, 2):
        made = plan(sweep, Store.empty(), nodes=1, slots=slots, now=0.0, speed=SPEED)
        assert left.estimate(first, slots, slots) == pytest.approx(made.dry_run.totals.seconds)
    assert left.estimate(world.play(), 2, 2) == 0.0


def test_without_a_plan_the_mean_of_finished_jobs_counts(tmp_path: Path) -> None:
    left, _, _ = begin(searching(trials=9000), tmp_path)  # too many jobs for a plan
    one = Snapshot(phase="search", done=False, jobs=(), trials=0, trials_done=0, best=None, to_come={"eval": 3})
    assert left.estimate(one, 4, 4) is None
    assert left.estimate(replace(one, to_come={}), 4, 4) == 0.0
