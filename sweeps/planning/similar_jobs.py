"""Finished jobs similar to a new one, and the parts of their keys that differ."""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from jobs.spec import Job
from jobs.store import JobRecord
from sweeps.spec.settings import flatten

JobPart = tuple[str, str]
"""Dotted name of a part of a job's key, and its value as JSON."""


class SimilarJobs:
    """Finished jobs of one stage, to compare with."""

    def __init__(self, done: Sequence[JobRecord], ignoring: Container[str] = ()) -> None:
        """Take finished jobs, oldest first; sections of the key named in `ignoring`, e.g. "seed", do not count."""
        self._ignoring = ignoring
        self._done = [(record, self._parts(record.order.job)) for record in done]

    def nearest(self, job: Job) -> JobRecord:
        """The job that differs from this one in the fewest parts; of several, the latest."""
        return self.alike(job, 1)[0]

    def alike(self, job: Job, most: int) -> list[JobRecord]:
        """The jobs that differ from this one in the fewest parts, at most the latest `most`."""
        own = self._parts(job)
        distances = [len(own ^ parts) for _, parts in self._done]
        least = min(distances)
        nearest = [record for (record, _), distance in zip(self._done, distances, strict=True) if distance == least]
        return nearest[-most:]

    def _parts(self, job: Job) -> frozenset[JobPart]:
        return frozenset(part for part in parts(job) if part[0].partition(".")[0] not in self._ignoring)


def parts(job: Job) -> Iterator[JobPart]:
    """Every part of a job's key by its dotted name."""
    for name, value in flatten(json.loads(job.canonical())).items():
        yield name, json.dumps(value, sort_keys=True)


def differences(job: Job, other: Job) -> dict[str, tuple[Any, Any]]:
    """Parts of the key in which two jobs differ: name → both values, None where a job lacks the part."""
    own, theirs = dict(parts(job)), dict(parts(other))
    names = [name for name in {**own, **theirs} if own.get(name) != theirs.get(name)]
    return {name: (json.loads(own.get(name, "null")), json.loads(theirs.get(name, "null"))) for name in names}


def explain(differences: Mapping[str, tuple[Any, Any]], unmade: Container[str]) -> str:
    """Differences as a person reads them.

    Args:
        differences: by name, both values.
        unmade: digests of contents that no job has made yet.
    """
    shown = []
    for name, (own, other) in differences.items():
        says = "not made yet" if isinstance(own, str) and own in unmade else f"{_short(own)}, not {_short(other)}"
        shown.append(f"{name.removeprefix('settings.')} = {says}")
    return "; ".join(shown)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{text[:12]}…" if len(text) == 64 else text
