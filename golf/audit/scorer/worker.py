"""Foreign work with a limit on its time: in one thread for all of it, which can be left behind.

What belongs to a thread (a database connection, torch's gradient mode) is there again in the next call, and begins as
the caller has it: a scorer's module that turned gradients off while it was imported knew no other thread.
"""

import contextvars
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

Work = Callable[[], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of foreign work."""

    returned: Any = None
    error: BaseException | None = None


def attempt(work: Work) -> Outcome:
    """Do foreign work, whatever it raises."""
    try:
        return Outcome(returned=work())
    except BaseException as error:  # sys.exit() of a scorer must not end the audit
        return Outcome(error=error)


class Worker:
    """A thread that lives as long as this object, or as the work in it."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Work | None] = SimpleQueue()
        self._outcomes: SimpleQueue[Outcome] = SimpleQueue()
        queues = self._work, self._outcomes  # without self: the thread must not keep it alive
        serve = _in_gradient_mode(lambda: _serve(*queues))
        threading.Thread(target=contextvars.copy_context().run, args=(serve,), name="scorer", daemon=True).start()
        weakref.finalize(self, self._work.put, None)

    def attempt(self, work: Work, seconds: float) -> Outcome | None:
        """Do foreign work there; None if it takes longer than so many seconds: then the thread is lost."""
        self._work.put(work)
        try:
            return self._outcomes.get(timeout=seconds)
        except Empty:
            return None


def _serve(work: SimpleQueue[Work | None], outcomes: SimpleQueue[Outcome]) -> None:
    while (task := work.get()) is not None:
        outcomes.put(attempt(task))
        del task  # it holds what called it, and so the worker


def _in_gradient_mode(work: Work) -> Work:
    """Work to be done in another thread with the gradient mode that torch has in this one, if torch is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return work
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def wrapped() -> None:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            work()

    return wrapped
