"""Events that wait for the store: in order, and no more of them than matter."""

from cluster.scheduling.state.unwritten import UnwrittenEvents
from jobs.events import Checkpoint, Event, Finished, Progress, Shard

DONE = Finished(outputs={})


def content(events: UnwrittenEvents) -> list[tuple[str, Event, float]]:
    taken = []
    while (first := events.first()) is not None:
        taken.append((first.task_id, first.event, first.at))
        events.drop_first()
    return taken


def test_events_keep_their_order_and_the_time_at_which_they_came() -> None:
    events = UnwrittenEvents()
    shards = [Shard(index=index, content=b"") for index in range(3)]
    events.add([("a", shards[0]), ("b", shards[1])], 1.0)
    events.add([("a", shards[2]), ("a", DONE)], 2.0)
    expected = [("a", shards[0], 1.0), ("b", shards[1], 1.0), ("a", shards[2], 2.0), ("a", DONE, 2.0)]
    assert content(events) == expected
    assert events.first() is None


def test_a_newer_progress_or_checkpoint_of_a_task_replaces_the_older_one_and_keeps_its_log() -> None:
    events = UnwrittenEvents()
    shard = Shard(index=0, content=b"")
    other = Progress(fraction=0.1, note="other")
    events.add([("a", Progress(fraction=0.1, note="1", log="lines")), ("b", other), ("a", Checkpoint(content=b"1"))], 1)
    events.add([("a", shard), ("a", Checkpoint(content=b"2")), ("a", Progress(fraction=0.2, note="2"))], 2)
    assert content(events) == [
        ("b", other, 1),
        ("a", shard, 2),
        ("a", Checkpoint(content=b"2"), 2),
        ("a", Progress(fraction=0.2, note="2", log="lines"), 2),
    ]
    events.add([("a", Progress(fraction=0.3, note="3")), ("a", DONE)], 3)
    assert [event for _, event, _ in content(events)] == [Progress(fraction=0.3, note="3"), DONE]
    assert events._latest == {("b", Progress): 1}, "nothing of a task that has ended is kept"
