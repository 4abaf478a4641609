"""The longest expected duration of a job, from jobs like it: what is reserved of a budget before the job starts."""

import json

from jobs.spec import Order
from jobs.stages.registry import stage_of
from jobs.store import JobRecord

MARGIN = 1.2
"""Factor on the longest duration so far; durations of equal jobs differ by a few per cent."""
LIMIT_MARGIN, OVERHEAD_SECONDS = 1.2, 120.0
"""Factor and seconds on a job's own time limit: loading, compiling and writing are not on that clock."""
KNOWN_FROM = 0.05
"""Share of a job after which its own pace predicts its duration."""
REMEMBERED_JOBS = 500


class Expectations:
    """Longest durations so far, by a job's stage, script, width, documents and limits."""

    def __init__(self, done: list[JobRecord]) -> None:
        self._longest: dict[str, float] = {}
        for job in done:
            if job.seconds is not None:
                self.learn(job.order, job.seconds)

    def learn(self, order: Order, seconds: float) -> None:
        """Take the duration of a finished job into account."""
        shape = _shape(order)
        self._longest[shape] = max(seconds, self._longest.get(shape, 0.0))

    def seconds(self, order: Order) -> float | None:
        """The longest expected duration of a job; None if nothing is known."""
        if (longest := self._longest.get(_shape(order))) is not None:
            return MARGIN * longest
        stage = stage_of(order.job)
        limit = stage.time_limit(order)
        return stage.usual_seconds if limit is None else LIMIT_MARGIN * limit + OVERHEAD_SECONDS


def _shape(order: Order) -> str:
    settings = order.job.settings
    limits = {name: settings.get("train", {}).get(name) for name in ("steps", "max_seconds", "batch_tokens")}
    group = stage_of(order.job).duration_group(order)
    return json.dumps([order.job.stage, *group, order.slots, settings.get("documents"), limits], sort_keys=True)
