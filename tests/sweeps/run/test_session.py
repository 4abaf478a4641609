"""Driving a sweep while its cluster comes and goes."""

import contextlib
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cluster.registry import quarantine_hint
from golf.errors import InputError
from jobs.errors import AlreadyDriven, LostLease, StoreUnavailable
from jobs.spec import Machine
from jobs.state import SweepState
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run import session
from sweeps.run.driving import driven_sweep as opened
from sweeps.run.driving.decisions import OwnDecisions
from sweeps.run.driving.driven_sweep import DrivenSweep, Runner, Site
from sweeps.run.driving.file_run import FileRun
from tests.sweeps.made_up_world import DATA, MACHINE, spec_of

OPEN = Snapshot(phase="train", done=False, jobs=(), trials=0, trials_done=0, best=None, to_come={})
DONE = Snapshot(phase="done", done=True, jobs=(), trials=0, trials_done=0, best=None, to_come={})


class Role:
    """A cluster of as many slots, and as wide a node, as a list says, look after look; its end is the sweep's."""

    schedules = True

    def __init__(self, sizes: Sequence[tuple[int, int]]) -> None:
        self.sizes = list(sizes)

    def slots(self, machine: Machine) -> tuple[int, int]:
        return self.sizes.pop(0)

    def step(self, seconds: float) -> None:
        pass

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    @property
    def driver(self) -> Any:
        return self

    def snapshot(self) -> Snapshot:
        return OPEN if self.sizes else DONE


class Driver:
    def __init__(self, role: Role) -> None:
        self.step = role.snapshot


class Renewed:
    """A lease that no other process wants."""

    def renew(self) -> None:
        pass


class Away(Role):
    """A cluster whose store does not answer a number of looks."""

    def __init__(self, looks: int) -> None:
        super().__init__([(2, 2)] * (looks + 1))
        self.left = looks

    def step(self, seconds: float) -> None:
        if self.left > 0:
            self.left -= 1
            raise StoreUnavailable("file store s3://x: 503 Slow Down")


def drive(*sizes: tuple[int, int]) -> list[str]:
    """What is said while a sweep whose gangs take two slots is driven."""
    return drive_with(Role(sizes))


def drive_with(role: Role, lease: Renewed | None = None) -> list[str]:
    said: list[str] = []
    site = Site(place=cast(Any, SimpleNamespace(store=None)), cluster="head", hint=quarantine_hint("ray:head:6379"))
    driven = Prepared(spec_of(), site, cast(Any, lease or Renewed()), Runner(), show=None, say=said.append)
    driven.begin_with(role)
    own = FileRun(
        spec_of(), site, Runner(), None, open_part=lambda _: cast(Any, role), show=lambda *_: None, say=said.append
    )
    own._drive(driven, OwnDecisions(None, cast(Any, None)))
    return said


class Prepared(DrivenSweep):
    """A sweep that writes nothing."""

    def begin_with(self, role: Role) -> None:
        self._sweep, self._driver = Sweep(spec=spec_of(), data=DATA, machine=MACHINE), cast(Any, Driver(role))
        self._writer = cast(Any, self)

    def update(self, snapshot: Snapshot) -> None:
        pass

    def _finish(self, snapshot: Snapshot) -> bool:
        self.end = snapshot
        return True


def test_a_store_that_is_away_is_awaited_and_said_once(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    pause = time.sleep

    def sleep(seconds: float) -> None:
        if threading.current_thread() is threading.main_thread():
            waits.append(seconds)
        else:
            pause(seconds)  # a thread that an earlier test left

    monkeypatch.setattr("sweeps.run.driving.file_run.time.sleep", sleep)
    [said] = drive_with(Away(3))
    assert "503 Slow Down; retried for 10 minutes" in said
    assert len(waits) == 3


def test_an_outage_is_said_with_the_way_to_stop_and_ends_the_sweep_where_a_user_stops_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever presses Ctrl-C while nothing can be written is not told of the database instead."""
    place = Workplace.open(tmp_path / "home")
    said: list[str] = []

    class Stopped(Away):
        def wait(self, seconds: float) -> None:
            monkeypatch.setattr(place.store, "_read", unavailable)
            raise KeyboardInterrupt

    def unavailable() -> Any:
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(opened, "resolve", lambda *_, **__: Sweep(spec=spec_of(), data=DATA, machine=MACHINE))
    monkeypatch.setattr(session, "open_scheduling", lambda *_, **__: contextlib.nullcontext(Stopped(3)))
    with pytest.raises(KeyboardInterrupt):
        session.run(spec_of(), place, executor="local", show=lambda *_: None, say=said.append)
    assert said[-1].endswith("while running jobs go on. Ctrl-C stops.")
    place.store.close()


def test_an_outage_at_the_end_of_a_sweep_is_awaited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Workplace.open(tmp_path / "home")
    store = place.store
    end, said = store.end_sweep, list[str]()

    def away(*given: Any) -> None:
        monkeypatch.setattr(store, "end_sweep", end)
        raise StoreUnavailable("no answer")

    monkeypatch.setattr(store, "end_sweep", away)
    monkeypatch.setattr("sweeps.run.patience.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(opened, "resolve", lambda *_, **__: Sweep(spec=spec_of(), data=DATA, machine=MACHINE))
    monkeypatch.setattr("sweeps.driver.driver.Driver.step", lambda _: DONE)
    assert session.run(spec_of(), place, executor="local", show=lambda *_: None, say=said.append).done
    assert len(said) == 1
    sweep = store.sweep("made-up")
    assert sweep is not None and sweep.state == SweepState.DONE
    store.close()


def test_a_store_that_stays_away_ends_the_sweep_with_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeps.run.driving.file_run.time.sleep", lambda _: None)
    monkeypatch.setattr("sweeps.run.patience.AWAY_SECONDS", 0.0)
    with pytest.raises(StoreUnavailable, match="503 Slow Down"):
        drive_with(Away(9))


def test_a_job_that_is_wider_than_every_node_there_ever_was_is_refused() -> None:
    with pytest.raises(InputError, match="a job needs 2 slots of one node; the largest has 1"):
        drive((0, 0), (4, 1))


def test_a_wide_node_that_was_there_is_awaited_and_said_once_each_time() -> None:
    said = drive((4, 2), (2, 1), (2, 1), (0, 0), (4, 2), (2, 1))
    assert len(said) == 2
    expected = "No usable node with 2 slots of class cpu; waiting. Ctrl-C stops, and the same command resumes. "
    assert all(text.startswith(f"{expected}golfsweep doctor --ray head:6379 shows which nodes") for text in said)


@pytest.mark.parametrize("choice", ["ray", "local"])
def test_on_this_machine_nobody_is_sent_to_a_cluster(choice: str) -> None:
    assert quarantine_hint(choice) == ""


class Interrupted(Renewed):
    """A lease whose database does not answer a number of times."""

    def __init__(self, times: int) -> None:
        self.left = times

    def renew(self) -> None:
        if self.left > 0:
            self.left -= 1
            raise StoreUnavailable("database unavailable: no answer")


def test_a_lease_that_cannot_be_renewed_for_a_while_does_not_end_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeps.run.driving.file_run.time.sleep", lambda _: None)
    [said] = drive_with(Role([(2, 2)]), Interrupted(5))
    assert "database unavailable: no answer; retried for 10 minutes" in said


class Lost(Renewed):
    """A lease that another process has taken over."""

    def renew(self) -> None:
        raise LostLease("another one took over")


def run(place: Workplace) -> Snapshot:
    silent: Any = lambda *_: None  # noqa: E731
    return session.run(spec_of(), place, executor="local", show=silent, say=silent)


def test_two_homes_on_one_database_do_not_drive_one_sweep_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/team.db"
    first, second = (Workplace.open(tmp_path / name, url) for name in ("first", "second"))
    first.store.drive("made-up", "first driver", "machine 1")
    with pytest.raises(AlreadyDriven, match=r'sweep "made-up" is already driven by process \d+ on '):
        run(second)
    assert second.store.sweeps() == [] and not list((tmp_path / "second").iterdir())
    for place in (first, second):
        place.store.close()


def test_a_driver_that_lost_its_lease_leaves_the_sweep_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace.open(tmp_path / "home")
    monkeypatch.setattr(opened, "resolve", lambda *_, **__: Sweep(spec=spec_of(), data=DATA, machine=MACHINE))
    monkeypatch.setattr("sweeps.run.lease.DriverLease.renew", Lost().renew.__func__)
    monkeypatch.setattr(session, "open_scheduling", lambda *_, **__: contextlib.nullcontext(Role([(2, 2)])))
    with pytest.raises(LostLease):
        run(place)
    sweep = place.store.sweep("made-up")
    assert sweep is not None and sweep.state == SweepState.RUNNING
    assert place.store.driver_of("made-up") is None, "its own lease, which nobody had taken, is given back"
    monkeypatch.setattr("sweeps.run.lease.DriverLease.renew", Broken().renew.__func__)
    with pytest.raises(OSError, match="broken"):
        run(place)
    sweep = place.store.sweep("made-up")
    assert sweep is not None and (sweep.state, sweep.reason) == (SweepState.STOPPED, "broken")
    place.store.close()


class Broken(Renewed):
    def renew(self) -> None:
        raise OSError("broken")
