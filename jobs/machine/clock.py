"""The clocks: which of them counts what.

- Durations (costs, GPU-hours, time limits, leases, backoff) are differences of `time.monotonic`, which nobody can set.
  All processes of one machine read the same monotonic clock; those of two machines have nothing in common, so a stored
  reading is compared on its own machine only (`jobs.machine.host.identity`). It stands still while the machine sleeps:
  a job that sleeps with its machine costs nothing, and no time limit passes.
- `time.time` can be set at any moment. It stamps what people read (when a job was made, when an event happened), and
  nothing is computed from two of its readings.
- A deadline is a date, which a sleeping machine approaches, too: `steady_epoch` tells it.
"""

import time


def boot_seconds() -> float:
    """Seconds that pass while the machine sleeps, too, and that nobody can set (clock_gettime(2), CLOCK_BOOTTIME)."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


_EPOCH_AT_BOOT = time.time() - boot_seconds()


def steady_epoch() -> float:
    """Epoch seconds as of this process's start, counted on from there: setting the clock moves no deadline of it."""
    return _EPOCH_AT_BOOT + boot_seconds()
