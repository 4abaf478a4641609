"""How long a job will take at most, from what jobs like it took: what is set aside of a budget before it starts."""

import json

from jobs.spec import Order
from jobs.stages.registry import stage_named
from jobs.store import JobRecord

MARGIN = 1.2
"""Over the longest that was seen; clocks of equal jobs differ by a few per cent."""
LIMIT_MARGIN, OVERHEAD_SECONDS = 1.2, 120.0
"""Over a limit that the job sets itself: loading, compiling and writing are not on that clock."""
KNOWN_FROM = 0.05
"""Part of a job after which its own pace tells how long all of it takes."""
REMEMBERED_JOBS = 500


class Expectations:
    """Longest times seen so far, by what a job is like: its stage, its width, and the documents that it scores."""

    def __init__(self, done: list[JobRecord]) -> None:
        self._longest: dict[str, float] = {}
        for job in done:
            if job.seconds is not None:
                self.learn(job.order, job.seconds)

    def learn(self, order: Order, seconds: float) -> None:
        """One more job has ended."""
        shape = _shape(order)
        self._longest[shape] = max(seconds, self._longest.get(shape, 0.0))

    def seconds(self, order: Order) -> float | None:
        """What a job takes at most, or None where nothing is known."""
        if (longest := self._longest.get(_shape(order))) is not None:
            return MARGIN * longest
        stage = stage_named(order.job.stage)
        limit = stage.time_limit(order.job)
        return stage.usual_seconds if limit is None else LIMIT_MARGIN * limit + OVERHEAD_SECONDS


def _shape(order: Order) -> str:
    settings = order.job.settings
    limits = {name: settings.get("train", {}).get(name) for name in ("steps", "max_seconds", "batch_tokens")}
    return json.dumps([order.job.stage, order.slots, settings.get("documents"), limits], sort_keys=True)
