"""Training curves: loss by step of every finished training of a sweep."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from jobs.files import FileStore
from jobs.stages.train import TRAIN
from jobs.store import JobRecord
from sweeps.run.driver import Driver


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """One training."""

    key: str
    """Of its job: two trainings of one seed may differ in their settings."""
    label: str
    """For display: the entries that need it, and the seed."""
    points: pd.DataFrame
    """step, loss (nats per token)."""


def curves(driver: Driver, files: FileStore) -> list[Curve]:
    """The curve of every finished training, in the order in which they were ordered; each label stands once."""
    jobs = driver.finished(TRAIN.name)
    labels = {job.key: f"{_entries([*job.needed_by])} seed {job.order.job.seed}" for job in jobs}
    counts = Counter(labels.values())
    for key, label in labels.items():
        if counts[label] > 1:
            labels[key] = f"{label} ({key[:8]})"
    return [Curve(key=job.key, label=labels[job.key], points=_points(job, files)) for job in jobs]


def _entries(names: Sequence[str]) -> str:
    """Entries as a legend has room for them."""
    match names:
        case []:
            return "search"
        case [one]:
            return one
        case [first, second]:
            return f"{first}, {second}"
        case [first, *rest]:
            return f"{first} and {len(rest)} more"
    raise AssertionError(names)


def _points(job: JobRecord, files: FileStore) -> pd.DataFrame:
    assert job.outputs is not None
    lines = files.get(job.outputs["metrics"]).decode().splitlines()
    return pd.DataFrame([json.loads(line) for line in lines])[["step", "loss"]]
