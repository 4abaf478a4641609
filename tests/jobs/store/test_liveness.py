"""Whose silence means death, on either database."""

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobs.machine.host import identity
from jobs.store import STALE_SECONDS, AlreadyDriven, AlreadyTaken, Store
from jobs.store.transactions import ActingProcess
from tests.jobs.stores import Clock, empty_database, started
from tests.postgresql import Server

NOBODY = 2**22 + 1
"""A pid beyond the largest there can be (proc(5), pid_max)."""


@pytest.fixture
def others(url: str, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store as another process has it open."""
    opened = Store.open(url, clock)
    for client in (store, opened):
        monkeypatch.setattr(client._connectivity, "_ticks", clock)
        client._connectivity.note_answer()
    yield opened
    opened.close()


class TestLife:
    """Who is alive, and who cannot tell."""

    def test_who_was_cut_off_takes_nothing_from_those_whom_it_could_not_hear(
        self, store: Store, others: Store, clock: Clock
    ) -> None:
        record = started(store)
        store.beat("a", "cluster")
        clock.now += STALE_SECONDS + 30  # the database is away for everybody, and "b" is the first to come back
        assert [scheduler.name for scheduler in others.live_schedulers()] == ["a"]
        with pytest.raises(AlreadyTaken):
            others.beat("b", "cluster")
        others.beat("c", "another cluster")
        assert others.claim("c", 1) == []
        store.beat("a", "cluster")
        store.progress(record.key, 1, 0.5, "goes on")

    def test_who_does_not_come_back_after_a_break_is_dead_once_it_had_time_to(
        self, store: Store, others: Store, clock: Clock
    ) -> None:
        record = started(store)
        store.beat("a", "cluster")
        clock.now += STALE_SECONDS + 30
        until = clock.now + STALE_SECONDS
        while clock.now < until:
            assert [scheduler.name for scheduler in others.live_schedulers()] == ["a"]
            clock.now += 5
        others.beat("b", "cluster")
        assert [job.key for job in others.claim("b", 1)] == [record.key]

    def test_who_was_dead_before_a_break_stays_so(self, store: Store, others: Store, clock: Clock) -> None:
        store.beat("a", "cluster")
        for _ in range(7):
            clock.now += 5
            others.live_schedulers()
        clock.now += 60
        assert others.live_schedulers() == []

    def test_a_process_of_a_namesake_of_this_machine_is_not_looked_for_here(self, store: Store) -> None:
        store.acting_as("u", ActingProcess(host=identity(), pid=NOBODY)).beat("gone")
        store.acting_as("u", ActingProcess(host=f"{socket.gethostname()} another", pid=NOBODY)).beat("there")
        assert [scheduler.name for scheduler in store.live_schedulers()] == ["there"]


class FarClock(Clock):
    """The monotonic clock of another machine: it shows something else and goes on at the same pace."""

    def __init__(self, here: Clock) -> None:
        self.here = here

    def __call__(self) -> float:
        return self.here() / 7e5 - 3.0


class TestOtherMachine:
    """A process of another machine: only its own silence, by the watcher's own clock, shows that it is dead."""

    @pytest.fixture
    def wall(self) -> Clock:
        """The wall clock of both machines."""
        return Clock()

    @pytest.fixture
    def here(self, url: str, clock: Clock, wall: Clock) -> Iterator[Store]:
        opened = Store.open(url, wall, clock)
        opened.put_sweep("s", {})
        yield opened
        opened.close()

    @pytest.fixture
    def there(
        self, url: str, clock: Clock, wall: Clock, here: Store, monkeypatch: pytest.MonkeyPatch
    ) -> Iterator[Callable[[Callable[[], object]], None]]:
        """Does something as a process of the other machine, whose pid nobody has here."""
        far = Store.open(url, wall, FarClock(clock))
        far.process = ActingProcess(host="another machine", pid=NOBODY)

        def act(what: Callable[[], object]) -> None:
            with monkeypatch.context() as patch:
                patch.setattr("jobs.store.presence.liveness.identity", lambda: "another machine")
                what()

        act.store = far  # type: ignore[attr-defined]
        yield act
        far.close()

    def test_it_is_dead_once_it_was_watched_for_as_long_as_a_heartbeat_is_fresh(
        self, here: Store, there: Any, clock: Clock
    ) -> None:
        there(lambda: there.store.drive("s", "far", "far cluster"))
        clock.now += 10 * STALE_SECONDS  # here nobody has looked yet
        with pytest.raises(AlreadyDriven) as refusal:
            here.drive("s", "near", "near cluster")
        assert not refusal.value.certain
        clock.now += STALE_SECONDS - 1
        with pytest.raises(AlreadyDriven):
            here.drive("s", "near", "near cluster")
        clock.now += 2
        here.drive("s", "near", "near cluster")

    def test_it_is_certainly_alive_once_its_heartbeat_has_changed(self, here: Store, there: Any, clock: Clock) -> None:
        there(lambda: there.store.drive("s", "far", "far cluster"))
        with pytest.raises(AlreadyDriven):
            here.drive("s", "near", "near cluster")
        clock.now += 5
        there(lambda: there.store.drive("s", "far", "far cluster"))
        with pytest.raises(AlreadyDriven) as refusal:
            here.drive("s", "near", "near cluster")
        assert refusal.value.certain

    @pytest.mark.parametrize("step", [7200.0, -7200.0])
    def test_a_wall_clock_that_is_set_takes_no_lease_and_keeps_none(
        self, here: Store, there: Any, clock: Clock, wall: Clock, step: float
    ) -> None:
        there(lambda: there.store.beat("far", "cluster"))
        here.live_schedulers()
        wall.now += step
        with pytest.raises(AlreadyTaken):
            here.beat("near", "cluster")
        for _ in range(20):  # it lives
            clock.now += 5
            there(lambda: there.store.beat("far", "cluster"))
            with pytest.raises(AlreadyTaken):
                here.beat("near", "cluster")
        clock.now += STALE_SECONDS + 1  # it is dead
        here.beat("near", "cluster")

    def test_who_only_looks_goes_by_the_time_until_it_has_seen_a_heartbeat_change(
        self, here: Store, there: Any, clock: Clock, wall: Clock
    ) -> None:
        there(lambda: there.store.drive("s", "far", "far cluster"))
        assert here.driver_of("s") is not None
        wall.now += STALE_SECONDS + 1
        assert here.driver_of("s") is None, "it looks dead, and a command that only shows it does not wait"
        clock.now += 5
        there(lambda: there.store.drive("s", "far", "far cluster"))
        assert here.driver_of("s") is not None
        wall.now += 7200
        assert here.driver_of("s") is not None


@pytest.mark.parametrize("step", [7200.0, -7200.0])
def test_on_one_machine_a_wall_clock_that_is_set_takes_no_lease_and_keeps_none(url: str, step: float) -> None:
    wall, clock = Clock(), Clock()
    store, other = Store.open(url, wall, clock), Store.open(url, wall, clock)
    store.put_sweep("s", {})
    record = started(store)
    store.beat("a", "cluster")
    wall.now += step
    with pytest.raises(AlreadyTaken):
        other.beat("b", "cluster")
    other.beat("c", "another cluster")
    assert other.claim("c", 1) == []
    clock.now += STALE_SECONDS + 1
    other.beat("b", "cluster")
    assert [job.key for job in other.claim("b", 1)] == [record.key]
    for opened in (store, other):
        opened.close()


def test_people_see_heartbeats_by_the_servers_clock_whatever_its_clients_show(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real = Store.open(empty_database(postgresql)), time.time
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: real() - 7200)
        store.beat("a", "cluster")
        [scheduler] = store.live_schedulers()
    assert scheduler.heartbeat == pytest.approx(real(), abs=60.0)
    store.close()
