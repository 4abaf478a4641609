"""Run attempts with hostile input in a child process that may crash, hang or take memory.

A target has a fixed number of attempts, so that every machine plays the same ones: about as many as one core of a small
machine makes in 5 s. FUZZ_SECONDS=s plays attempts for s seconds instead; FUZZ_ATTEMPT=n replays attempt n alone, in
this process.
"""

import os
import random
import time
from collections.abc import Callable, Iterator
from functools import partial

from golf.errors import InputError
from tests.guarded import Misbehaved, run_guarded

Attempt = Callable[[random.Random], None]

MOST_LINE = 1_000
"""Characters of a problem; a longer one repeats its input."""


def fuzz(attempt: Attempt, *, name: str, attempts: int, share: float = 1.0) -> None:
    """Run attempts with random numbers from fixed seeds.

    Args:
        attempt: changes a valid input at random and reads it; raises where the reader does something wrong.
        name: of the target, from which the seeds follow.
        attempts: how many, where FUZZ_SECONDS does not say how long.
        share: of FUZZ_SECONDS, where several tests divide a target.

    Raises:
        AssertionError: an attempt failed, crashed, hung for 10 seconds or took 1 GiB; the message has its number.
    """
    if (replayed := os.environ.get("FUZZ_ATTEMPT")) is not None:
        attempt(random.Random(f"{name}:{int(replayed)}"))
        return
    try:
        done = run_guarded(_list_attempts(attempt, name, attempts, share))
    except Misbehaved as error:
        replay = f"replay with FUZZ_ATTEMPT={error.step}"
        raise AssertionError(f"{name}: attempt {error.step} {error.how}; {replay}\n{error.report}") from None
    print(f"{name}: {done} attempts")


def is_refused(read: Callable[[], object]) -> bool:
    """Whether a reader refuses its input with a line for each problem; any other exception passes through.

    Raises:
        AssertionError: a problem is not one short line.
    """
    try:
        read()
    except InputError as error:
        check_problems(error)
        return True
    return False


def check_problems(error: InputError) -> None:
    """Check that there is a problem, and that each is one short line."""
    assert error.problems, "an error without a problem"
    for problem in error.problems:
        assert problem.strip(), "a problem without text"
        assert problem.splitlines() == [problem], f"a problem of several lines: {problem!r}"
        assert len(problem) <= MOST_LINE, f"a problem of {len(problem)} characters: {problem[:200]!r}…"


def _list_attempts(attempt: Attempt, name: str, attempts: int, share: float) -> Iterator[Callable[[], None]]:
    seconds = os.environ.get("FUZZ_SECONDS")
    end = None if seconds is None else time.monotonic() + share * float(seconds)
    number = 0
    while number < attempts if end is None else time.monotonic() < end:
        yield partial(attempt, random.Random(f"{name}:{number}"))
        number += 1
