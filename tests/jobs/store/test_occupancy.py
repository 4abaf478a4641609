"""What runs where and what waits, and nodes that somebody takes out of service, on either database."""

import pytest

from golf.errors import InputError
from jobs.state import EventKind, SweepState
from jobs.store import JobRecord, NodeRecord, Store
from tests.jobs.stores import FACTS, order


def begun(store: Store) -> JobRecord:
    """A job that runs on a node, for a sweep."""
    store.beat("a", "c")
    store.put_job(order(1))
    [record] = store.claim("a", 1)
    store.start_attempt(record.key, "a", sweep=record.order.sweep, node="n", **FACTS)
    return record


def test_what_runs_is_told_by_node_and_what_waits_by_sweep(store: Store) -> None:
    record = begun(store)
    waits = store.put_job(order(2))
    [running] = store.running_attempts()
    assert (running.key, running.sweep, running.slots) == (record.key, record.order.sweep, record.order.slots)
    assert running.label == record.order.label
    [waiting] = store.waiting_jobs()
    assert (waiting.sweep, waiting.jobs, waiting.priority) == (waits.order.sweep, 1, waits.order.priority)
    store.fail(record.key, 1, "crashed", counted=True, final=True)
    store.end_sweep(waits.order.sweep, SweepState.STOPPED)
    assert store.running_attempts() == [] and store.waiting_jobs() == []


def test_a_drained_node_is_bad_until_it_is_given_back(store: Store) -> None:
    store.put_node(NodeRecord(cluster="c", name="n", host="h", good=True, reason="", checked=0.0))
    assert [event.kind for event in store.events() if event.kind.startswith("node")] == []
    anna = store.acting_as("anna")
    anna.drain_node("c", "n")
    [node] = store.nodes("c")
    assert (node.good, node.reason, node.until) == (False, "drained by anna", None)
    anna.drain_node("c", "n")
    anna.restore_node("c", "n")
    assert store.nodes("c")[0].good
    happened = [
        (event.kind, event.who, event.detail["host"]) for event in store.events() if event.kind.startswith("node")
    ]
    assert happened == [(EventKind.NODE_QUARANTINED, "anna", "h"), (EventKind.NODE_RETURNED, "anna", "h")]


def test_a_node_that_ran_a_job_can_be_drained_before_it_was_ever_checked(store: Store) -> None:
    begun(store)
    [running] = store.running_attempts()
    assert running.node is not None
    store.drain_node("c", running.node)
    assert [(node.name, node.host, node.good) for node in store.nodes("c")] == [(running.node, running.host, False)]


def test_an_unknown_node_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match='no node "nothing"'):
        store.drain_node("c", "nothing")
