"""Whose silence means death, on either database."""

import socket
import time
from collections.abc import Iterator

import pytest

from jobs.store import STALE_SECONDS, AlreadyTaken, Store
from tests.jobs.stores import Clock, empty_database, started
from tests.postgresql import Server


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

    def test_a_process_of_a_namesake_of_this_machine_is_not_looked_for_here(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setattr("os.getpid", lambda: 2**22 + 1)  # beyond the largest there can be (proc(5), pid_max)
            store.beat("gone")
            patch.setattr("jobs.store.presence.schedulers.identity", lambda: f"{socket.gethostname()} another")
            store.beat("there")
        assert [scheduler.name for scheduler in store.live_schedulers()] == ["there"]


def test_heartbeats_are_by_the_servers_clock_whatever_its_clients_show(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = empty_database(postgresql)
    ahead = Store.open(url)
    real = time.time
    with monkeypatch.context() as patch:
        patch.setattr("time.time", lambda: real() - 2 * STALE_SECONDS)
        behind = Store.open(url)
        behind.beat("b", "cluster")
        assert [scheduler.name for scheduler in ahead.live_schedulers()] == ["b"]
        with pytest.raises(AlreadyTaken):
            ahead.beat("a", "cluster")
    ahead.close()
    behind.close()
