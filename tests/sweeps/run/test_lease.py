"""A driver's lease: renewed beside the work, and taken over from a driver that has fallen silent."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from jobs.errors import AlreadyDriven
from jobs.store import STALE_SECONDS, Store
from jobs.store.transactions import ActingProcess
from sweeps.run.lease import DriverLease
from tests.jobs.stores import Clock

PATIENT = 'sweep "s" is already driven by process '


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    opened.put_sweep("s", {})
    yield opened
    opened.close()


class Far:
    """A driver on another machine."""

    def __init__(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store, self.monkeypatch = store, monkeypatch
        store.process = ActingProcess(host="another machine", pid=1)
        self.beat()

    def beat(self) -> None:
        with self.monkeypatch.context() as patch:
            patch.setattr("jobs.store.presence.liveness.identity", lambda: "another machine")
            self.store.drive("s", "far", "cluster")


def test_a_driver_of_another_machine_that_fell_silent_is_awaited_and_replaced(
    store: Store, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, said, began = Store.open(f"sqlite:///{tmp_path}/store.db", clock), list[str](), clock.now
    Far(far, monkeypatch)
    pauses = SimpleNamespace(sleep=lambda seconds: setattr(clock, "now", clock.now + seconds), monotonic=time.monotonic)
    monkeypatch.setattr("sweeps.run.lease.time", pauses)  # of that module alone: other threads sleep, too
    with DriverLease(store, "s", "near", "cluster", said.append):
        driver = store.driver_of("s")
        assert driver is not None and driver.name == "near"
    assert STALE_SECONDS < clock.now - began < STALE_SECONDS + 3
    assert len(said) == 1 and said[0].startswith(PATIENT)
    assert said[0].endswith("; waiting up to 30 s for a heartbeat of that process.")
    far.close()


def test_a_driver_of_another_machine_that_lives_is_left_alone_as_soon_as_that_shows(
    store: Store, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Store.open(f"sqlite:///{tmp_path}/store.db", clock)
    driver, looks = Far(far, monkeypatch), list[float]()

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        clock.now += seconds
        if len(looks) == 3:
            driver.beat()

    monkeypatch.setattr("sweeps.run.lease.time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    with pytest.raises(AlreadyDriven, match=PATIENT), DriverLease(store, "s", "near", "cluster", lambda _: None):
        pass
    assert len(looks) == 3
    far.close()
