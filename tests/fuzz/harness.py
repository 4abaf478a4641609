"""Runs attempts with random input until the time is over; each can be replayed alone by its number."""

import os
import random
import resource
import time
from collections.abc import Callable

LEAST_ATTEMPTS = 50
WAIT_SECONDS = 10.0
"""Longest that an attempt may take."""
GROWTH_BYTES = 2**30
"""Most memory by which all attempts together may make this process grow."""


def fuzz(attempt: Callable[[random.Random], None], *, name: str) -> int:
    """Make attempts, each with a generator of its own; returns how many.

    The environment decides: FUZZ_SECONDS for how long (5 by default, at least 50 attempts), FUZZ_SEED which attempts
    (0 by default), and FUZZ_ATTEMPT makes a single one again.

    Raises:
        AssertionError: an attempt failed, took too long, or memory grew too much; the message names its number.
    """
    seconds, seed = float(os.environ.get("FUZZ_SECONDS", "5")), os.environ.get("FUZZ_SEED", "0")
    if (single := os.environ.get("FUZZ_ATTEMPT")) is not None:
        attempt(random.Random(f"{seed}:{int(single)}"))
        return 1
    started, memory, number = time.monotonic(), _peak_bytes(), 0
    while number < LEAST_ATTEMPTS or time.monotonic() - started < seconds:
        replay = f"{name}: attempt {number} of seed {seed} (FUZZ_SEED={seed} FUZZ_ATTEMPT={number} makes it again)"
        began = time.process_time()
        try:
            attempt(random.Random(f"{seed}:{number}"))
        except Exception as error:
            raise AssertionError(f"{replay}: {type(error).__name__}: {error}") from error
        # The processor's time: other processes of a busy machine are no fault of the attempt.
        took, grown = time.process_time() - began, _peak_bytes() - memory
        assert took < WAIT_SECONDS, f"{replay}: took {took:.1f} s"
        assert grown < GROWTH_BYTES, f"{replay}: memory grew by {grown / 2**20:,.0f} MiB"
        number += 1
    return number


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
