"""Training curves: loss by step of every finished training of a sweep."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from jobs.errors import Unreadable
from jobs.files import FileStore
from jobs.state import JobState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.entries.lost import Lost, LostKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One training."""

    key: str
    """Of its job: two trainings of one seed may differ in their settings."""
    label: str
    """For display: the entries that need it, and the seed."""
    recipe: str
    """Digest of all its settings but the seed."""
    owner: str
    """For display: the entries that need it."""
    seed: int
    points: Sequence[tuple[int, float]]
    """Step and loss (nats per token)."""


def read_curves(sweep: str, place: Workplace, lost: Lost) -> list[Curve]:
    """The curve of every job that left one, in the order in which they were ordered; each label stands once.

    Those whose metrics are lost are left out.
    """
    done = place.store.jobs(sweep, [JobState.DONE])
    jobs = [job for job in done if isinstance((job.outputs or {}).get("metrics"), str)]
    owners = {job.key: _shorten([*job.needed_by]) for job in jobs}
    labels = {job.key: f"{owners[job.key]} seed {job.order.job.seed}" for job in jobs}
    counts = Counter(labels.values())
    for key, label in labels.items():
        if counts[label] > 1:
            labels[key] = f"{label} ({key[:8]})"
    curves = []
    for job in jobs:
        try:
            points = _read_points(job, place.files)
        except Unreadable:
            lost.note(LostKind.CURVE, labels[job.key])
            continue
        recipe = json.dumps(
            [job.order.job.stage, job.order.job.settings, job.order.job.inputs], sort_keys=True, default=str
        )
        curves.append(
            Curve(
                key=job.key,
                label=labels[job.key],
                recipe=hashlib.sha256(recipe.encode()).hexdigest(),
                owner=owners[job.key],
                seed=job.order.job.seed,
                points=points,
            )
        )
    return curves


def _shorten(entries: Sequence[str]) -> str:
    """Names of entries as a legend has room for them."""
    match entries:
        case []:
            return "search"
        case [first]:
            return first
        case [first, second]:
            return f"{first}, {second}"
        case [first, *rest]:
            return f"{first} and {len(rest)} more"
    raise AssertionError(entries)


def _read_points(job: JobRecord, files: FileStore) -> list[tuple[int, float]]:
    assert job.outputs is not None
    lines = map(json.loads, files.get(job.outputs["metrics"]).decode().splitlines())
    return [(line["step"], line["loss"]) for line in lines]
