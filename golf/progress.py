"""Progress of a long call for whoever waits for it: one line on stderr, written over and over."""

import sys
import threading
import time

LEAST_SECONDS = 0.2
"""Between two looks."""


def is_watched() -> bool:
    """Whether somebody sees stderr while this process works: on a terminal, or in a notebook."""
    return sys.stderr.isatty() or "ipykernel" in sys.modules


class ProgressLine:
    """One line that is written again as work goes on, from any thread, and ends with what was done."""

    def __init__(self, name: str, total: float, *, shown: bool | None = None) -> None:
        """Begin.

        Args:
            name: what is done.
            total: how much of it there is, in any unit.
            shown: whether to write anything; None where somebody watches (`is_watched`).
        """
        self._name, self._total, self._shown = name, total, is_watched() if shown is None else shown
        self._began = self._last = time.monotonic()
        self._lock, self._done, self._widest = threading.Lock(), 0.0, 0

    def add(self, amount: float) -> None:
        """So much more is done."""
        with self._lock:
            self._done += amount
            self._write_if_due("")

    def set(self, done: float, detail: str) -> None:
        """So much is done by now; `detail` stands beside it."""
        with self._lock:
            self._done = done
            self._write_if_due(detail)

    def finish(self, result: str) -> None:
        """Write how it ended."""
        if self._shown:
            self._write(f"{self._name}: {result} in {time.monotonic() - self._began:.1f} s", "\n")

    def _write_if_due(self, detail: str) -> None:
        now = time.monotonic()
        if not self._shown or now - self._last < LEAST_SECONDS:
            return
        self._last = now
        share = min(1.0, self._done / self._total) if self._total else 0.0
        left = f", {(now - self._began) * (1 - share) / share:.0f} s left" if share else ""
        self._write(f"{self._name}: {share:4.0%}{left}{f', {detail}' if detail else ''}", "")

    def _write(self, text: str, end: str) -> None:
        sys.stderr.write("\r" + text.ljust(self._widest) + end)
        sys.stderr.flush()
        self._widest = len(text)
