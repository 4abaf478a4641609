"""Readers of a service: those who ask once a second, and those who follow its events."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx2

BOARD, BOARD_OF, PAGE, LIST = "/api/v1/leaderboard", "/api/v1/leaderboard?sweep=", "/", "/api/v1/sweeps"
ANSWER_SECONDS = 30.0
SWEEPS = 10
"""Whose leaderboards are read, beside the latest one's."""


@dataclass
class Readings:
    """What readers met."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """Of each answer, by address."""
    failures: list[str] = field(default_factory=list)
    unchanged: int = 0
    """Answers that said so: 304."""
    delays: list[float] = field(default_factory=list)
    """Seconds from an event to the message of it, at each follower."""
    events: list[list[int]] = field(default_factory=list)
    """Numbers of the events that each follower got, in their order."""


def addresses(number: int, turn: int, sweeps: int) -> tuple[str, str]:
    """What a reader asks for, and under which name that is counted: mostly leaderboards, of the latest sweep or not."""
    match (number + turn) % 8:
        case 0:
            return PAGE, "page /"
        case 1:
            return LIST, LIST
        case kind if kind % 2:
            sweep = f"load-{sweeps - 1 - (number * 7 + turn) % min(sweeps, SWEEPS):03}"
            return f"{BOARD_OF}{sweep}", BOARD
        case _:
            return BOARD, BOARD


async def read(url: str, token: str, number: int, sweeps: int, until: float, readings: Readings) -> None:
    """Ask once a second, with the tag of the answer before where there is one."""
    tags: dict[str, str] = {}
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=ANSWER_SECONDS) as client:
        start = time.monotonic() + number / 50
        for turn in range(10**9):
            if (due := start + turn) > until:
                return
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            address, name = addresses(number, turn, sweeps)
            known = {"If-None-Match": tags[address]} if address in tags else {}
            began = time.monotonic()
            try:
                answer = await client.get(address, headers=known)
            except httpx2.HTTPError as error:
                readings.failures.append(f"{address}: {type(error).__name__} {error}")
                continue
            readings.seconds[name].append(time.monotonic() - began)
            readings.unchanged += answer.status_code == 304
            if answer.status_code not in (200, 304):
                readings.failures.append(f"{address}: {answer.status_code} {answer.text[:100]}")
            if "etag" in answer.headers:
                tags[address] = answer.headers["etag"]


async def follow(url: str, token: str, until: float, readings: Readings) -> None:
    """Follow all events."""
    numbers: list[int] = []
    readings.events.append(numbers)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx2.AsyncClient(base_url=url, headers=headers, timeout=httpx2.Timeout(ANSWER_SECONDS)) as client,
        client.stream("GET", "/api/v1/events") as answer,
    ):
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                event = json.loads(line[6:])
                numbers.append(event["id"])
                readings.delays.append(time.time() - event["time"])
            if time.monotonic() > until:
                return


async def crowd(url: str, tokens: Sequence[str], sweeps: int, seconds: float) -> Readings:
    """As many readers and as many followers as there are tokens, all at once."""
    readings, until = Readings(), time.monotonic() + seconds
    following = [asyncio.create_task(follow(url, token, until + 5, readings)) for token in tokens]
    await asyncio.gather(*(read(url, token, number, sweeps, until, readings) for number, token in enumerate(tokens)))
    await asyncio.wait(following, timeout=20)
    for task in following:
        task.cancel()
    return readings
