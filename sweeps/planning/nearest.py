"""Which finished job is nearest to another, and what keeps the two apart: the parts of the key that differ."""

import json
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

from jobs.spec import Job
from jobs.store import JobRecord
from sweeps.spec.settings import flatten

Part = tuple[str, str]
"""Dotted name of a part of a job's key, and its value as JSON."""


class Nearest:
    """Finished jobs of one kind, to be compared with."""

    def __init__(self, done: Sequence[JobRecord], ignoring: Container[str] = ()) -> None:
        """Take jobs, oldest first; sections of the key that are `ignoring`, e.g. "seed", make no difference."""
        self._ignoring = ignoring
        self._done = [(one, self._parts(one.order.job)) for one in done]

    def find(self, job: Job) -> JobRecord:
        """The job that differs from this one in the fewest parts; of equals the latest."""
        return self.alike(job, 1)[0]

    def alike(self, job: Job, most: int) -> list[JobRecord]:
        """All jobs that differ from this one in the fewest parts, the latest so many."""
        own = self._parts(job)
        distances = [len(own ^ parts) for _, parts in self._done]
        least = min(distances)
        found = [one for (one, _), distance in zip(self._done, distances, strict=True) if distance == least]
        return found[-most:]

    def _parts(self, job: Job) -> frozenset[Part]:
        return frozenset(part for part in parts(job) if part[0].partition(".")[0] not in self._ignoring)


def parts(job: Job) -> Iterator[Part]:
    """Every part of a job's key by its dotted name."""
    for name, value in flatten(json.loads(job.canonical())).items():
        yield name, json.dumps(value, sort_keys=True)


def differences(job: Job, other: Job) -> dict[str, tuple[Any, Any]]:
    """Parts of the key in which two jobs differ: name → (the one's value, the other's), None where it has no such."""
    one, two = dict(parts(job)), dict(parts(other))
    names = [name for name in {**one, **two} if one.get(name) != two.get(name)]
    return {name: (json.loads(one.get(name, "null")), json.loads(two.get(name, "null"))) for name in names}


def explain(found: Mapping[str, tuple[Any, Any]], unmade: Container[str]) -> str:
    """Differences as a person reads them.

    Args:
        found: what `differences` gave.
        unmade: digests of contents that no job has made yet.
    """
    shown = []
    for name, (own, other) in found.items():
        says = "not made yet" if isinstance(own, str) and own in unmade else f"{_short(own)}, not {_short(other)}"
        shown.append(f"{name.removeprefix('settings.')} = {says}")
    return "; ".join(shown)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return f"{text[:12]}…" if len(text) == 64 else text
