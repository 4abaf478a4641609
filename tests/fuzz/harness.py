"""Run attempts with hostile input for a while, in a child process that may crash, hang or take memory.

FUZZ_SECONDS is how long each target runs (20 by default); FUZZ_ATTEMPT=n replays attempt n alone, in this process.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from golf.errors import InputError
from tests.guarded import Misbehaved, run_guarded

Attempt = Callable[[random.Random], None]

DEFAULT_SECONDS = 20.0
LEAST_ATTEMPTS = 50
MOST_LINE = 4_000
"""Characters of an error; a longer one repeats its input."""


def fuzz(attempt: Attempt, *, name: str, share: float = 1.0) -> int:
    """Run attempts with random numbers from fixed seeds, and at least 50; returns how many ran.

    Args:
        attempt: changes a valid input at random and reads it; raises where the reader does something wrong.
        name: of the target, from which the seeds follow.
        share: of the target's time, where several tests divide it.

    Raises:
        AssertionError: an attempt failed, crashed, hung for 10 seconds or took 1 GiB; the message has its number.
    """
    if (replayed := os.environ.get("FUZZ_ATTEMPT")) is not None:
        attempt(random.Random(f"{name}:{int(replayed)}"))
        return 1
    try:
        return run_guarded(_list_attempts(attempt, name, share))
    except Misbehaved as error:
        replay = f"replay with FUZZ_ATTEMPT={error.step}"
        raise AssertionError(f"{name}: attempt {error.step} {error.how}; {replay}\n{error.report}") from None


def is_refused(read: Callable[[], object]) -> bool:
    """Whether a reader refuses its input with one line; any other exception passes through.

    Raises:
        AssertionError: the error is not one short line.
    """
    try:
        read()
    except InputError as error:
        text = str(error)
        assert text.strip(), "an error without text"
        assert len(text.splitlines()) == 1, f"an error of several lines: {text!r}"
        assert len(text) <= MOST_LINE, f"an error of {len(text)} characters: {text[:200]!r}…"
        return True
    return False


def _list_attempts(attempt: Attempt, name: str, share: float) -> Iterator[Callable[[], None]]:
    seconds = share * float(os.environ.get("FUZZ_SECONDS", DEFAULT_SECONDS))
    end, number = time.monotonic() + seconds, 0
    while number < LEAST_ATTEMPTS or time.monotonic() < end:
        yield partial(attempt, random.Random(f"{name}:{number}"))
        number += 1
