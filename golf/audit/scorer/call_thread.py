"""Run untrusted calls with a time limit, all in one thread that can be abandoned if it hangs.

One thread for all calls keeps what belongs to a thread (a database connection, torch's gradient mode) from call to
call. It starts with the caller's gradient mode, because a scorer's module may have turned gradients off in the thread
that imported it.
"""

import sys
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from golf.threads import BackgroundThread

Work = Callable[[], Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class CallResult:
    """The return value of an untrusted call, or the exception that it raised."""

    returned: Any = None
    error: BaseException | None = None


def run_catching(work: Work) -> CallResult:
    """Run an untrusted call and catch whatever it raises."""
    try:
        return CallResult(returned=work())
    except BaseException as error:  # sys.exit() in a scorer must not end the audit
        return CallResult(error=error)


class CallThread:
    """A thread for untrusted calls; it ends when this object is collected and its current call has returned."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[Work | None] = SimpleQueue()
        self._results: SimpleQueue[CallResult] = SimpleQueue()
        queues = self._calls, self._results  # without self: the thread must not keep this object alive
        serve = _with_gradient_mode(lambda: _serve(*queues))
        BackgroundThread("scorer", serve).start()
        weakref.finalize(self, self._calls.put, None)

    def run(self, work: Work, timeout_s: float) -> CallResult | None:
        """Run a call in the thread; None if it takes longer than the timeout, and then the thread is unusable."""
        self._calls.put(work)
        try:
            return self._results.get(timeout=timeout_s)
        except Empty:
            return None


def _serve(calls: SimpleQueue[Work | None], results: SimpleQueue[CallResult]) -> None:
    while (call := calls.get()) is not None:
        results.put(run_catching(call))
        del call  # it references its caller, and through it the CallThread


def _with_gradient_mode(work: Work) -> Work:
    """Wrap work for another thread so that it runs in this thread's torch gradient mode, if torch is loaded."""
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return work
    inference, gradients = torch.is_inference_mode_enabled(), torch.is_grad_enabled()

    def wrapped() -> None:
        with torch.inference_mode(inference), torch.set_grad_enabled(gradients):
            work()

    return wrapped
