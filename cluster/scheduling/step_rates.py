"""The rates at which jobs take steps, by what they have in common, and by node."""

import hashlib
import json
from collections import defaultdict

from cluster.policy.speed import is_slow
from jobs.spec import Job

MOST_RATES = 20
"""Latest rates of one kind of job that are kept."""


class StepRates:
    """What nodes have shown while this scheduler ran; a new one starts without, and sets no node aside at first."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, tuple[str, float]]] = defaultdict(dict)
        """Kind of job → key of a job → its node and latest rate."""
        self._kinds: dict[str, str] = {}
        """Key of a job → its kind: it is asked for at each report."""

    def note(self, job: Job, node: str, rate: float) -> str | None:
        """Keep a job's rate; returns why its node is too slow, or None if it is not."""
        if (kind := self._kinds.get(job.key)) is None:
            kind = self._kinds[job.key] = _kind(job)
        shown = self._shown[kind]
        shown.pop(job.key, None)
        shown[job.key] = node, rate
        while len(shown) > MOST_RATES:
            del shown[next(iter(shown))]
        others = [other for where, other in shown.values() if where != node]
        if not is_slow(rate, others):
            return None
        usual = sorted(others)[len(others) // 2]
        return f"slow node: {rate:.3g} steps/s, where equal jobs took {usual:.3g} steps/s on other nodes"


def _kind(job: Job) -> str:
    """The same for jobs that differ by their seed alone."""
    fields = json.loads(job.canonical())
    del fields["seed"]
    return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
