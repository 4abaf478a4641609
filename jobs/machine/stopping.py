"""Signals that stop a command: Ctrl-C, SIGTERM (a container or a machine ends) and SIGHUP (a terminal closes)."""

import errno
import os
import signal
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import psutil

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SHOW_CURSOR = b"\x1b[?25h"
_received: list[signal.Signals] = []
"""Empty, or the signal that is stopping this process: Ray replaces the exception that a handler raises by its own."""
_postponing: list[None] = []
"""An entry for each block of `postponed` that the main thread is in."""


def stop_on_signals() -> None:
    """Have the first signal raise KeyboardInterrupt in the main thread, and a second one end the process at once.

    A signal that is ignored stays ignored: nohup ignores SIGHUP, and a shell SIGINT for what it runs in the background.
    """
    _received.clear()
    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def stopped_by() -> signal.Signals:
    """The signal that made this process raise KeyboardInterrupt; SIGINT where `stop_on_signals` is not in use."""
    return _received[0] if _received else signal.SIGINT


def raise_if_stopped() -> None:
    """Raise KeyboardInterrupt again if a signal has come: Python drops what is raised in a finalizer or a callback."""
    if _received:
        raise KeyboardInterrupt


@contextmanager
def postponed() -> Iterator[None]:
    """Have a first signal that comes within a block raise KeyboardInterrupt at its end.

    To block signals in the main thread is not enough: the system gives one to any other thread, and Python runs its
    handler in the main thread all the same.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = len(_received)
    _postponing.append(None)
    try:
        yield
    finally:
        _postponing.pop()
    if len(_received) > before and not _postponing:
        raise KeyboardInterrupt


def reason() -> str:
    """Why a KeyboardInterrupt ended some work, for people: interrupted, or stopped by SIGTERM."""
    return "interrupted" if stopped_by() == signal.SIGINT else f"stopped by {stopped_by().name}"


def _stop(number: int, frame: FrameType | None) -> None:
    if number == signal.SIGHUP:
        _leave_closed_terminal()
    if _received:
        if os.isatty(2):
            os.write(2, SHOW_CURSOR)  # the live panel hides it
        _kill_descendants()
        os._exit(128 + number)
    _received.append(signal.Signals(number))
    if not _postponing:
        raise KeyboardInterrupt


def _kill_descendants() -> None:
    """End all processes that come from this one at once: some of Ray's would live on for minutes."""
    for process in psutil.Process().children(recursive=True):  # parents come first
        with suppress(psutil.Error):
            process.kill()


def _leave_closed_terminal() -> None:
    """Send what is printed to a terminal that is gone to nowhere: writing to it is an error."""
    for descriptor in (1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:  # what is no terminal has another error
                os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
