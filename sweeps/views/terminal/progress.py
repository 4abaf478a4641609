"""Progress that is visible all the time: a live panel on a terminal, plain lines elsewhere; both on stderr."""

import time
from collections.abc import Callable, Mapping
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sweeps.run.outcome import Snapshot
from sweeps.views.wording import duration

LINE_SECONDS = 5.0
"""Least time between two plain lines; one that says nothing new is not printed at all."""
SHOWN_JOBS = 8


def seconds_left(snapshot: Snapshot, seconds_of_kind: Mapping[str, float], slots: int) -> float | None:
    """Estimate what is left: the work of every job still to come, spread over all slots; None before any history.

    Args:
        snapshot: the driver's last look.
        seconds_of_kind: mean slot-seconds of finished jobs by kind.
        slots: slots of the cluster.
    """
    work = 0.0
    for kind, count in snapshot.to_come.items():
        if count and kind not in seconds_of_kind:
            return None
        work += count * seconds_of_kind.get(kind, 0.0)
    return work / max(1, slots)


def line(snapshot: Snapshot, left: float | None) -> str:
    """One line: stage, jobs done/running/queued, best so far, time left."""
    counts = snapshot.counts
    parts = [f"{snapshot.stage}", f"jobs {counts['done']} done, {counts['running']} running, {counts['queued']} queued"]
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
    """The live view: the line, a bar, and what runs now with how far it is."""
    counts = snapshot.counts
    known = sum(counts.values())
    bar = ProgressBar(total=max(1, known), completed=counts["done"] + counts["failed"], width=60)
    table = Table.grid(padding=(0, 2))
    for record in snapshot.running[:SHOWN_JOBS]:
        table.add_row(Text(record.order.label), f"{record.fraction:4.0%}", Text(record.note, style="dim"))
    return Group(Text(line(snapshot, left), style="bold"), bar, Text(), table)  # a bar does not end its line


class Progress:
    """Shows snapshots as they come; use as a context."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal else None
        self._last, self._shown = "", -LINE_SECONDS

    def __enter__(self) -> "Progress":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, snapshot: Snapshot, left: float | None) -> None:
        """Show a snapshot: at once on a terminal; as a line when it says something new and some seconds have passed,
        or all is done.
        """
        if self._live is not None:
            self._live.update(panel(snapshot, left))
            return
        now, text = self._clock(), line(snapshot, left)
        if text != self._last and (snapshot.done or now - self._shown >= LINE_SECONDS):
            self._console.print(text, highlight=False, soft_wrap=True)
            self._last, self._shown = text, now
