"""Jobs for a store, and how far tests take them."""

from typing import Any

import sqlalchemy

from jobs.spec import Job, Machine, Order
from jobs.store import JobRecord, Store
from tests.postgresql import Server

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
FACTS: dict[str, Any] = {"host": "here", "workdir": "/tmp/x", "versions": {"torch": "2.13"}, "commit": None}
DONE: dict[str, Any] = {"seconds": 1.0, "peak_bytes": None}


class Clock:
    """Time that only moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def order(
    seed: int, *, sweep: str = "s", label: str = "", priority: int = 0, machine: Machine = MACHINE, slots: int = 1
) -> Order:
    job = Job(stage="eval", settings={"eval": {}}, inputs={}, seed=seed, machine=machine, arithmetic=1)
    return Order(job=job, sweep=sweep, label=label or f"seed {seed}", priority=priority, slots=slots)


def empty_database(server: Server) -> str:
    """The URL of a PostgreSQL database without tables."""
    engine = sqlalchemy.create_engine(server.url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    engine.dispose()
    return server.url


def started(store: Store, seed: int = 1, scheduler: str = "a") -> JobRecord:
    """A job that a scheduler runs."""
    store.beat(scheduler)
    store.put_job(order(seed))
    [record] = store.claim(scheduler, 1)
    store.start_attempt(record.key, scheduler, **FACTS)
    job = store.job(record.key)
    assert job is not None
    return job


def done(store: Store, order: Order, outputs: dict[str, Any], scheduler: str = "a") -> JobRecord:
    """A finished job."""
    store.beat(scheduler)
    store.put_job(order)
    [record] = store.claim(scheduler, 1)
    sizes = {value: 1 for value in outputs.values() if isinstance(value, str) and len(value) == 64}
    store.finish(record.key, store.start_attempt(record.key, scheduler, **FACTS), outputs, sizes=sizes, **DONE)
    return record
