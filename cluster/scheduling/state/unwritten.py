"""Events that were read from running tasks and are not in the store yet, in the order in which they came.

Tasks are read while the store is unavailable, too: a worker whose pipe is full would wait, on the clock of its job. A
task's newer progress replaces its older one, and so does a checkpoint, so that an outage fills no memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jobs.events import Checkpoint, Event, Failed, Finished, Progress


@dataclass(frozen=True, slots=True)
class UnwrittenEvent:
    """An event of a task, and when it came, by a clock that nobody sets."""

    task_id: str
    event: Event
    at: float


class UnwrittenEvents:
    """A queue of events."""

    def __init__(self) -> None:
        self._queue: dict[int, UnwrittenEvent] = {}
        """By number, in order."""
        self._latest: dict[tuple[str, type[Event]], int] = {}
        """Numbers of each task's last progress and last checkpoint."""
        self._count = 0

    def add(self, events: Iterable[tuple[str, Event]], now: float) -> None:
        """Append events that have just come."""
        for task_id, event in events:
            if isinstance(event, Progress | Checkpoint):
                event = self._replace_older(task_id, event)
                self._latest[task_id, type(event)] = self._count
            elif isinstance(event, Finished | Failed):
                for kind in (Progress, Checkpoint):
                    self._latest.pop((task_id, kind), None)
            self._queue[self._count] = UnwrittenEvent(task_id, event, now)
            self._count += 1

    def first(self) -> UnwrittenEvent | None:
        """The event to be written next."""
        return next(iter(self._queue.values()), None)

    def drop_first(self) -> None:
        """The first event is written."""
        del self._queue[next(iter(self._queue))]

    def _replace_older(self, task_id: str, event: Progress | Checkpoint) -> Event:
        older = self._queue.pop(self._latest.get((task_id, type(event)), -1), None)
        if older is not None and isinstance(event, Progress) and isinstance(older.event, Progress):
            return replace(event, log=older.event.log if event.log is None else event.log)
        return event
