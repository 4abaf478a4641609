"""Who drives a sweep: one process at a time, whichever machine it is on, and none that lost its lease."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from jobs.errors import AlreadyDriven, LostLease, StoreUnavailable
from jobs.state import EventKind, SweepState
from jobs.store import STALE_SECONDS, Store, TrialRecord
from tests.jobs.stores import Clock, empty_database, order
from tests.postgresql import Server

TRIAL = TrialRecord(number=0, parameters={}, distributions={}, state="running", value=None)
END_SECONDS = 60.0


@pytest.fixture
def rival(url: str, clock: Clock, store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store as another process has it open."""
    opened = Store.open(url, clock)
    for client in (store, opened):  # neither has a break of its own, however far the clock jumps
        monkeypatch.setattr(client._connectivity, "grace_seconds", lambda: 0.0)
    yield opened
    opened.close()


class TestLease:
    def test_a_second_driver_is_refused_and_told_who_drives(self, store: Store, rival: Store) -> None:
        store.drive("s", "a", "machine x")
        with pytest.raises(AlreadyDriven, match=rf'sweep "s" is already driven by process {os.getpid()} on '):
            rival.drive("s", "b", "machine y")
        rival.drive("other", "b", "machine y")
        assert {(driver.sweep, driver.name, driver.cluster) for driver in rival.live_drivers()} == {
            ("s", "a", "machine x"),
            ("other", "b", "machine y"),
        }

    def test_a_lease_that_is_given_back_is_free_at_once(self, store: Store, rival: Store) -> None:
        store.drive("s", "a", "x")
        store.stop_driving("s", "a")
        assert rival.driver_of("s") is None
        rival.drive("s", "b", "x")
        store.stop_driving("s", "a")
        driver = store.driver_of("s")
        assert driver is not None and driver.name == "b"

    def test_a_silent_driver_that_was_replaced_writes_nothing_more(
        self, store: Store, rival: Store, clock: Clock
    ) -> None:
        store.drive("s", "a", "x")
        key = store.put_job(order(1)).key
        clock.now += STALE_SECONDS + 1
        rival.drive("s", "b", "x")
        for write in (
            lambda: store.drive("s", "a", "x"),
            lambda: store.put_job(order(2)),
            lambda: store.put_trial("s", "digest", TRIAL),
            lambda: store.put_sweep("s", {"new": 1}),
            lambda: store.end_sweep("s", SweepState.DONE),
            lambda: store.withdraw("s", [key]),
            lambda: store.tag("s", ["x"]),
        ):
            with pytest.raises(LostLease, match=rf"process {os.getpid()} on .* drives it now"):
                write()
        sweep = rival.sweep("s")
        assert sweep is not None
        assert (sweep.state, sweep.spec, sweep.tags) == (SweepState.RUNNING, {}, ())
        assert [job.key for job in rival.jobs(sweep="s")] == [key]
        assert rival.trials("s", "digest") == []

    def test_a_lease_that_lapsed_and_that_nobody_took_is_renewed(
        self, store: Store, rival: Store, clock: Clock
    ) -> None:
        store.drive("s", "a", "x")
        clock.now += 10 * STALE_SECONDS
        assert rival.driver_of("s") is None
        store.drive("s", "a", "x")
        with pytest.raises(AlreadyDriven):
            rival.drive("s", "b", "x")

    def test_a_driver_that_was_replaced_has_lost_the_lease_even_when_the_other_has_gone(
        self, store: Store, rival: Store, clock: Clock
    ) -> None:
        store.drive("s", "a", "x")
        clock.now += STALE_SECONDS + 1
        rival.drive("s", "b", "x")
        rival.stop_driving("s", "b")
        with pytest.raises(LostLease, match="another one took over; nothing more is written here"):
            store.drive("s", "a", "x")

    def test_an_answer_that_was_lost_on_the_way_does_not_lock_the_driver_out(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = store._connectivity.note_answer

        def lost() -> None:
            monkeypatch.setattr(store._connectivity, "note_answer", real)
            raise StoreUnavailable("no answer")

        monkeypatch.setattr(store._connectivity, "note_answer", lost)
        with pytest.raises(StoreUnavailable):
            store.drive("s", "a", "x")
        store.drive("s", "a", "x")
        assert [event.kind for event in store.events(sweep="s")].count(EventKind.DRIVER_STARTED) == 1

    def test_the_scheduler_of_a_sweep_is_that_of_its_drivers_cluster(self, store: Store) -> None:
        assert store.scheduler_of("s") is None
        store.beat("elsewhere", "ray y", 8, 8)
        store.drive("s", "a", "ray x")
        assert store.scheduler_of("s") is None
        store.beat("here", "ray x", 8, 8)
        scheduler = store.scheduler_of("s")
        assert scheduler is not None and scheduler.name == "here"
        store.stop_driving("s", "a")
        assert store.scheduler_of("s") is None

    def test_drivers_come_and_go_as_events(self, store: Store, rival: Store, clock: Clock) -> None:
        before = store.last_event()
        store.drive("s", "a", "x")
        clock.now += STALE_SECONDS + 1
        rival.drive("s", "b", "x")
        rival.stop_driving("s", "b")
        assert [(event.kind, event.who) for event in store.events(after=before)] == [
            (EventKind.DRIVER_STARTED, "a"),
            (EventKind.DRIVER_LEFT, "a"),
            (EventKind.DRIVER_STARTED, "b"),
            (EventKind.DRIVER_LEFT, "b"),
        ]


def compete(url: str, name: str, together: Any, results: Any) -> None:
    """Try to take the lease at the same moment as others, and live until it is killed."""
    store = Store.open(url)
    together.wait(END_SECONDS)
    try:
        store.drive("s", name, f"machine of {name}")
        results.put((name, os.getpid(), "drives"))
    except AlreadyDriven as refusal:
        results.put((name, os.getpid(), str(refusal)))
    time.sleep(END_SECONDS)


class TestProcesses:
    def test_of_several_processes_on_one_database_one_drives_and_its_death_frees_the_sweep_at_once(
        self, url: str
    ) -> None:
        context = multiprocessing.get_context("spawn")
        together, results = context.Barrier(3), context.Queue()
        store = Store.open(url)
        store.put_sweep("s", {})
        started = [context.Process(target=compete, args=(url, name, together, results)) for name in "abc"]
        for process in started:
            process.start()
        outcomes = [results.get(timeout=END_SECONDS) for _ in started]
        [(name, pid, _)] = [outcome for outcome in outcomes if outcome[2] == "drives"]
        refusals = [text for _, _, text in outcomes if text != "drives"]
        assert len(refusals) == 2 and all(f"process {pid} on" in text for text in refusals)
        driver = store.driver_of("s")
        assert driver is not None and (driver.name, driver.pid) == (name, pid)
        os.kill(pid, signal.SIGKILL)
        [victim] = [process for process in started if process.pid == pid]
        victim.join(END_SECONDS)
        store.drive("s", "next", "machine of next")
        store.stop_driving("s", "next")
        for process in started:
            process.kill()
            process.join(END_SECONDS)
        store.close()


def test_an_outage_of_the_server_does_not_cost_a_driver_its_lease(postgresql: Server) -> None:
    url = empty_database(postgresql)
    store, rival = Store.open(url), Store.open(url)
    store.put_sweep("s", {})
    store.drive("s", "a", "x")
    postgresql.kill()
    try:
        with pytest.raises(StoreUnavailable, match="database unavailable"):
            store.drive("s", "a", "x")
    finally:
        postgresql.start()
    until = time.monotonic() + END_SECONDS
    while time.monotonic() < until:
        try:
            with pytest.raises(AlreadyDriven):
                rival.drive("s", "b", "x")
            store.drive("s", "a", "x")
            break
        except StoreUnavailable:  # a pool may have more than one broken connection
            continue
    store.put_job(order(1))
    store.close()
    rival.close()
