"""The service under load: 200 sweeps and 100,000 jobs in PostgreSQL, 50 readers and 50 followers, 20 updates a second.

    python -m benchmarks.load [--seconds 600]

Prints one JSON document, and exits with 1 where a limit is missed: the leaderboard's 95th percentile, a failed request,
an event or a record that a reader did not get, a late message, or memory that grows.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import httpx2
import psutil

from benchmarks.load.fill import RUNS, SWEEPS, fill
from benchmarks.load.reading import BOARD, Readings, crowd
from benchmarks.team.service import RunningService
from jobs.state import Scope
from jobs.store import Store
from tests.postgresql import Server, find_binaries

READERS, UPDATES_PER_SECOND = 50, 20.0
BOARD_SECONDS, MESSAGE_SECONDS = 0.3, 1.0
MEMORY_GROWTH = 1.1
"""Of the last quarter of the time over the second one."""
SETTLE_SECONDS = 30.0
"""After the last update, for everything to be on the leaderboard."""
ROOT = Path(__file__).parents[2]


class Memory(threading.Thread):
    """Reads the resident memory of a process once a second."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.bytes: list[int] = []
        self._process, self._ended = psutil.Process(pid), threading.Event()

    def run(self) -> None:
        """Until it is stopped."""
        while not self._ended.wait(1.0):
            self.bytes.append(self._process.memory_info().rss)

    def stop(self) -> None:
        """End it."""
        self._ended.set()
        self.join()


def main() -> int:
    """Measure; 0 if every limit is kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.load", description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--sweeps", type=int, default=SWEEPS)
    parser.add_argument("--runs", type=int, default=RUNS)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="golfsweep-load-", dir="/tmp"))
    folder.chmod(0o755)  # the database's server runs as another user
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL here"
    database = Server(folder / "db", binaries)
    database.start()
    try:
        result = _measure(folder, database.url, options.sweeps, options.runs, options.seconds)
    finally:
        database.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({"good": not result["missed"], **result}, indent=2))
    return 1 if result["missed"] else 0


def _measure(folder: Path, url: str, sweeps: int, runs: int, seconds: float) -> dict[str, Any]:
    files = str(folder / "files")
    fill(url, files, sweeps, runs)
    store = Store.open(url)
    tokens = [store.create_token(Scope.READ, f"reader {number}", days=1).text for number in range(READERS)]
    service = RunningService(["--db", url, "--files", files, "--home", str(folder / "home")], folder / "service.log")
    service.start()
    try:
        first = _time_first(service.url, tokens[0])
        memory = Memory(service.pid)
        memory.start()
        before = store.last_event()
        writer = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load.writing", url, str(UPDATES_PER_SECOND), str(seconds)],
            stdout=subprocess.PIPE, cwd=ROOT,
        )  # fmt: skip
        readings = asyncio.run(crowd(service.url, tokens, sweeps, seconds))
        written = json.loads(writer.communicate(timeout=60)[0])
        memory.stop()
        absent = _absent_records(service.url, tokens[0], written["records"])
        expected = [event.id for event in _events_after(store, before)]
    finally:
        service.stop()
        store.close()
    return _judge(readings, written, expected, absent, memory.bytes, first)


def _time_first(url: str, token: str) -> float:
    """Seconds of the first leaderboard, which nothing has prepared."""
    began = time.monotonic()
    httpx2.get(url + BOARD, headers={"Authorization": f"Bearer {token}"}, timeout=60).raise_for_status()
    return time.monotonic() - began


def _absent_records(url: str, token: str, records: Sequence[str]) -> list[str]:
    """Records that the leaderboard does not show some time after the last update."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        answer = httpx2.get(url + BOARD, headers={"Authorization": f"Bearer {token}"}, timeout=60)
        shown = {row["name"] for row in answer.json()["rows"]}
        absent = [name for name in records if name not in shown]
        if not absent or time.monotonic() > until:
            return absent
        time.sleep(1.0)


def _events_after(store: Store, cursor: int) -> list[Any]:
    events = []
    while page := store.events(after=cursor):
        events += page
        cursor = page[-1].id
    return events


def _judge(
    readings: Readings, written: dict[str, Any], expected: list[int], absent: list[str], memory: list[int], first: float
) -> dict[str, Any]:
    """The figures, and which of them miss their limit."""
    answers = {name: _percentiles(seconds) for name, seconds in sorted(readings.seconds.items())}
    delays = _percentiles(readings.delays)
    quarter = max(1, len(memory) // 4)
    early, late = median(memory[quarter : 2 * quarter] or memory), median(memory[-quarter:])
    gaps = sum(_lacks(numbers, expected) for numbers in readings.events)
    missed = {
        f"leaderboard p95 {answers[BOARD]['p95_ms']} ms": answers[BOARD]["p95_ms"] > 1000 * BOARD_SECONDS,
        f"{len(readings.failures)} requests failed: {readings.failures[:3]}": bool(readings.failures),
        f"{gaps} followers lack events": gaps > 0 or len(readings.events) < READERS,
        f"records not on the leaderboard: {absent[:3]}": bool(absent),
        f"a message after {delays['most_ms']} ms": delays["most_ms"] > 1000 * MESSAGE_SECONDS,
        f"memory grew from {early} to {late} bytes": late > MEMORY_GROWTH * early,
    }
    return {
        "missed": [line for line, is_missed in missed.items() if is_missed],
        "answers": answers,
        "not_changed": readings.unchanged,
        "messages": {"followers": len(readings.events), **delays},
        "updates": {name: written[name] for name in ("updates", "slowest_seconds")} | {
            "records": len(written["records"]), "events": len(expected),
        },
        "memory_mb": {"start": memory[0] // 2**20, "early": early // 2**20, "late": late // 2**20},
        "first_leaderboard_seconds": round(first, 2),
    }  # fmt: skip


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    at = {name: ordered[min(len(ordered) - 1, int(share * len(ordered)))] for name, share in _SHARES}
    return {"count": len(ordered), **{name: round(1000 * value, 1) for name, value in at.items()}}


_SHARES = (("p50_ms", 0.5), ("p95_ms", 0.95), ("p99_ms", 0.99), ("most_ms", 1.0))


def _lacks(numbers: Sequence[int], expected: Sequence[int]) -> bool:
    """Whether a follower got other events than there were from its first one on, or in another order."""
    return not numbers or list(numbers) != [number for number in expected if number >= numbers[0]]


if __name__ == "__main__":
    sys.exit(main())
