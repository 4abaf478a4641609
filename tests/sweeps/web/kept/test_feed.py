"""Streams get each event once and in order, from wherever they begin, of one sweep or of all."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import StoreUnavailable
from jobs.store import Store
from sweeps.web.kept import feed
from sweeps.web.kept.feed import EventFeed
from tests.jobs.stores import order


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setattr(feed, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(feed, "KEPT", 5)
    opened = Store.open(f"sqlite:///{tmp_path}/fed.db")
    opened.put_sweep("s", {})
    opened.put_sweep("other", {})
    yield opened
    opened.close()


async def take(messages: AsyncIterator[Any], count: int) -> list[Any]:
    taken = []
    async for message in messages:
        taken.append(message)
        if len(taken) == count:
            break
    return taken


def ids(store: Store, after: int = 0, sweep: str | None = None) -> list[int]:
    return [event.id for event in store.events(after, sweep)]


def test_whoever_is_behind_catches_up_and_goes_on(store: Store) -> None:
    async def follow() -> None:
        fed = EventFeed(store, lambda event: event.id)
        start = store.last_event()
        late = asyncio.create_task(take(fed.follow(None, 0), start + 30))
        live = asyncio.create_task(take(fed.follow(None, start), 30))
        for number in range(30):
            store.tag("s", [f"tag{number}"])
            await asyncio.sleep(0.003)
        assert await asyncio.wait_for(late, 60) == ids(store)
        assert await asyncio.wait_for(live, 60) == ids(store, start)
        assert await take(fed.follow(None, start + 3), 27) == ids(store, start + 3), "from before what is in memory"
        assert await take(fed.follow(None, start + 28), 2) == ids(store, start + 28)

    asyncio.run(follow())


def test_a_sweep_has_the_events_of_the_jobs_that_it_shares(store: Store) -> None:
    async def follow() -> None:
        fed = EventFeed(store, lambda event: event.id)
        store.put_job(order(1))
        store.put_job(replace(order(1), sweep="other"))
        start = store.last_event()
        mine = asyncio.create_task(take(fed.follow("other", start), 2))
        await asyncio.sleep(0.05)
        store.tag("s", ["not mine"])
        store.beat("a")
        store.claim("a", 5)
        store.tag("other", ["mine"])
        assert await asyncio.wait_for(mine, 60) == ids(store, start, "other")

    asyncio.run(follow())


def test_an_outage_is_said_and_waited_out(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def follow() -> None:
        fed = EventFeed(store, lambda event: event.id)
        messages = fed.follow(None, store.last_event())
        asyncio.get_running_loop().call_later(0.1, lambda: store.tag("s", ["before"]))
        [before] = await take(messages, 1)
        events = store.events
        monkeypatch.setattr(store, "events", lambda *_: (_ for _ in ()).throw(StoreUnavailable("away")))
        assert await take(fed.follow(None, before), 2) == [None, None]
        monkeypatch.setattr(store, "events", events)
        store.tag("s", ["after"])
        messages = fed.follow(None, before)
        while (message := (await take(messages, 1))[0]) is None:
            messages = fed.follow(None, before)
        assert message == store.last_event()

    asyncio.run(follow())
