"""Progress of a sweep: a live panel on a terminal, plain lines elsewhere; both with the same facts, on stderr."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import TracebackType

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from sweeps.driver.snapshot import Snapshot
from sweeps.text.escaping import escape, to_ascii
from sweeps.text.table import shorten
from sweeps.text.wrapping import wrap_parts
from sweeps.views.terminal.progress_facts import (
    SweepMoment,
    SweepUsage,
    describe_results,
    describe_stages,
    describe_time,
    describe_usage,
    share_done,
)

LINE_SECONDS = 15.0
"""Time between two plain lines."""
FACTS_SECONDS = 2.0
"""Time between two looks at what a sweep has cost."""
SHOWN_JOBS = 8
WIDEST = 100
"""Cells of the panel on a wider terminal."""
MARK = " · "


def line(moment: SweepMoment) -> str:
    """All facts in one line, for a log file."""
    parts = [*([moment.usage.name] if moment.usage.name else []), *describe_time(moment)]
    if moment.snapshot is None:
        return MARK.join([*parts, "starting"])
    parts += [*describe_stages(moment.snapshot), *describe_usage(moment), *describe_results(moment.snapshot)]
    return MARK.join(parts)


def panel(moment: SweepMoment, width: int, *, only_ascii: bool = False) -> list[Text]:
    """The live panel: time, a bar, stages, cost, results, and a line for each running job; no line is wider."""
    width = min(width, WIDEST)
    clean: Callable[[str], str] = (lambda text: to_ascii(escape(text))) if only_ascii else escape

    def lay_out(parts: list[str], style: str = "") -> list[Text]:
        return [Text(text, style=style, no_wrap=True) for text in wrap_parts([*map(clean, parts)], width, clean(MARK))]

    snapshot = moment.snapshot
    name = [shorten(moment.usage.name, 30, only_ascii=only_ascii)] if moment.usage.name else []
    phase = "starting" if snapshot is None else "" if snapshot.phase == "done" else snapshot.phase
    lines = lay_out([*name, *([phase] if phase else []), *describe_time(moment)], "bold")
    lines.append(Text(_draw_bar(moment.share, width, only_ascii), style="green", no_wrap=True))
    if snapshot is None:
        return lines
    if stages := describe_stages(snapshot):
        lines += lay_out(stages)
    lines += lay_out(describe_usage(moment))
    if results := describe_results(snapshot):
        lines += lay_out(results, "bold red" if snapshot.failures else "")
    running = snapshot.running
    labels = [shorten(clean(job.order.label), max(12, width // 2 - 8), only_ascii=only_ascii) for job in running]
    cells = max(map(cell_len, labels[:SHOWN_JOBS]), default=0)
    for job, label in list(zip(running, labels, strict=True))[:SHOWN_JOBS]:
        text = f"  {label}{' ' * (cells - cell_len(label))}  {job.fraction:4.0%}"
        room = width - cell_len(text) - 2
        note = shorten(clean(job.note), room, only_ascii=only_ascii) if room > 0 else ""
        lines.append(Text(text, no_wrap=True).append(f"  {note}" if note else "", "dim"))
    if len(running) > SHOWN_JOBS:
        lines.append(Text(f"  and {len(running) - SHOWN_JOBS} more jobs", no_wrap=True))
    return lines


def _draw_bar(share: float, width: int, only_ascii: bool) -> str:
    cells = max(4, width - len(" 100%"))
    full = int(share * cells)
    bar = "#" * full + "-" * (cells - full) if only_ascii else "━" * full + "─" * (cells - full)
    return f"{bar} {share:4.0%}"


class LiveProgress:
    """Shows the latest snapshot of a sweep; use it as a context."""

    def __init__(
        self,
        console: Console,
        clock: Callable[[], float] = time.monotonic,
        *,
        usage: Callable[[], SweepUsage | None] | None = None,
        name: str = "",
    ) -> None:
        """Begin.

        Args:
            console: where to show it; a terminal that can move its cursor gets a panel, anything else lines.
            clock: seconds.
            usage: reads what the sweep uses; None where nothing is known, as before it has begun.
            name: of the sweep.
        """
        self._console, self._clock, self._read = console, clock, usage
        self._started, self._printed, self._looked = clock(), -LINE_SECONDS, -FACTS_SECONDS
        self._moment = SweepMoment(snapshot=None, usage=SweepUsage(name=name))
        self._seen = clock()
        moves = console.is_terminal and not console.is_dumb_terminal
        self._live = Live(self, console=console, refresh_per_second=4, transient=True) if moves else None

    def __enter__(self) -> "LiveProgress":
        self._started = self._clock()
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """The panel at this moment: its time passes between two snapshots, too."""
        yield from panel(self._at_present(), options.max_width, only_ascii=options.ascii_only)

    def show(self, snapshot: Snapshot, left: float | None) -> None:
        """Show a snapshot: at once on a terminal, elsewhere as a line, if the last is LINE_SECONDS old or it is done.

        Args:
            snapshot: how the sweep stands.
            left: seconds that it still takes; None where nobody knows.
        """
        now, usage = self._clock(), self._moment.usage
        if self._read is not None and (now - self._looked >= FACTS_SECONDS or snapshot.done):
            usage, self._looked = self._read() or usage, now
        seconds = self._count_seconds(usage)
        share = max(self._moment.share, min(1.0, share_done(snapshot, seconds, left)))  # an estimate may get worse
        self._moment = SweepMoment(snapshot=snapshot, usage=usage, left=left, share=share)
        self._seen = now
        if self._live is not None:
            self._live.refresh()
        elif now - self._printed >= LINE_SECONDS or snapshot.done:
            self._console.print(Text(escape(line(self._at_present()))), soft_wrap=True)
            self._printed = now

    def _at_present(self) -> SweepMoment:
        now, moment = self._clock(), self._moment
        left = None if moment.left is None else max(0.0, moment.left - (now - self._seen))
        return replace(moment, seconds=self._count_seconds(moment.usage), left=left, now=time.time())

    def _count_seconds(self, usage: SweepUsage) -> float:
        """Since the sweep's driver began, which may be another process, or since this began."""
        here = self._clock() - self._started
        return here if usage.since is None else max(here, time.time() - usage.since)
