"""Updates of a database as schedulers and people make them: `python -m benchmarks.load.writing URL PER_SECOND SECONDS`.

A job's life is four updates: claimed with a heartbeat, started, progress, done. One update a second is a public
record, which is on every leaderboard from then on. Prints one JSON document: the records' names, how many updates were
made, and how many seconds the slowest took.
"""

import itertools
import json
import sys
import time
from collections.abc import Iterator

from jobs.store import Store

SCHEDULER = "load"
SLOTS = 8


def update(store: Store) -> Iterator[str | None]:
    """Make one update after the other; the name of the record that it was, if it was one."""
    for number in itertools.count():
        store.beat(SCHEDULER, slots=SLOTS, widest=SLOTS)
        [job] = store.claim(SCHEDULER, 1)
        yield None
        attempt = store.start_attempt(
            job.key, SCHEDULER, host="load", workdir="/load", versions={}, commit=None, node="load", slots=1,
            sweep=job.order.sweep, seconds=60.0,
        )  # fmt: skip
        yield None
        store.progress(job.key, attempt, 0.5, "halfway")
        yield None
        outputs = {"bpb": 1.0 + number / 1e6, "eval_seconds": 1.0}
        store.finish(job.key, attempt, outputs, seconds=1.0, peak_bytes=None)
        yield None
        if number % 5 == 4:
            name = f"2026-11-30_load_{number}"
            store.put_record(name, {"name": name, "seeds": {"1": 1.2 - number / 1e5}, "track": "unverified"})
            yield name


def main() -> None:
    """Update until the time is over."""
    url, per_second, seconds = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
    store, records, slowest, count = Store.open(url), list[str](), 0.0, 0
    started = time.monotonic()
    updates = update(store)
    while (now := time.monotonic()) < started + seconds:
        if (name := next(updates)) is not None:
            records.append(name)
        count += 1
        slowest = max(slowest, time.monotonic() - now)
        time.sleep(max(0.0, started + count / per_second - time.monotonic()))
    store.forget_scheduler(SCHEDULER)
    store.close()
    print(json.dumps({"updates": count, "records": records, "slowest_seconds": round(slowest, 3)}))


if __name__ == "__main__":
    main()
