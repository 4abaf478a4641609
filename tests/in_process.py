"""An executor's events, for executors of tests that run a task to its end as soon as it is started."""

from collections.abc import Iterable

from jobs.events import Event


class InProcessEvents:
    """Keeps the events of tasks until they are polled."""

    def __init__(self) -> None:
        self._events: list[tuple[str, Event]] = []

    def add(self, task_id: str, events: Iterable[Event]) -> None:
        """Run a task: its events are kept as they come."""
        for event in events:
            self._events.append((task_id, event))

    def poll(self, timeout: float) -> list[tuple[str, Event]]:
        events, self._events = self._events, []
        return events

    def cancel(self, task_id: str) -> None:
        self._events = [(name, event) for name, event in self._events if name != task_id]

    def close(self) -> None:
        self._events.clear()
