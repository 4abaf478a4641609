"""Progress of a sweep: a live panel on a terminal, plain lines elsewhere; both on stderr."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.driver.snapshot import Snapshot
from sweeps.text.escaping import escape
from sweeps.views.wording import duration

LINE_SECONDS = 5.0
"""Least time between two plain lines; a line that says nothing new is not printed."""
SHOWN_JOBS = 8


def seconds_left(snapshot: Snapshot, slot_seconds: Mapping[str, float], slots: int) -> float | None:
    """Estimate the seconds left: the work of every job still to come, spread over all slots.

    Args:
        snapshot: how the sweep stands.
        slot_seconds: mean slot-seconds of finished jobs by stage.
        slots: slots of the cluster.

    Returns:
        None while no job of a stage that is still to come has finished.
    """
    work = 0.0
    for stage, count in snapshot.to_come.items():
        if count and stage not in slot_seconds:
            return None
        work += count * slot_seconds.get(stage, 0.0)
    return work / max(1, slots)


def line(snapshot: Snapshot, left: float | None) -> str:
    """One line: phase, jobs by state, trials, best trial so far, time left."""
    counts = snapshot.counts
    parts = [snapshot.phase, f"jobs {counts['done']} done, {counts['running']} running, {counts['queued']} queued"]
    if counts["failed"]:
        parts.append(f"{counts['failed']} failed")
    if snapshot.trials:
        parts.append(f"trials {snapshot.trials_done}/{snapshot.trials}")
    if snapshot.best is not None:
        name, bpb = snapshot.best
        parts.append(f"best {bpb:.4f} bpb ({name})")
    if left is not None:
        parts.append(f"about {duration(left)} left")
    return " · ".join(parts)


def panel(snapshot: Snapshot, left: float | None) -> Group:
    """The live panel: the line, a bar, and each running job with its progress."""
    counts = snapshot.counts
    bar = ProgressBar(total=max(1, sum(counts.values())), completed=counts["done"] + counts["failed"], width=60)
    table = Table.grid(padding=(0, 2))
    for record in snapshot.running[:SHOWN_JOBS]:
        note = Text(escape(record.note), style="dim")
        table.add_row(Text(escape(record.order.label)), f"{record.fraction:4.0%}", note)
    return Group(
        Text(escape(line(snapshot, left)), style="bold"), bar, Text(), table
    )  # the empty text ends the bar's line


class LiveProgress:
    """Shows the latest snapshot of a sweep; use it as a context."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._last, self._shown = "", -LINE_SECONDS

    def __enter__(self) -> "LiveProgress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: Snapshot, left: float | None) -> None:
        """Show a snapshot: at once on a terminal, elsewhere as a line.

        A line is printed if it says something new, and either the sweep is done or the last line is some seconds old.
        """
        if self._live is not None:
            self._live.update(panel(snapshot, left))
            return
        now, text = self._clock(), line(snapshot, left)
        if text != self._last and (snapshot.done or now - self._shown >= LINE_SECONDS):
            self._console.print(Text(escape(text)), soft_wrap=True)
            self._last, self._shown = text, now
