"""What trackers of experiments show of a sweep: its trainings step by step, its trials, and its entries' scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jobs.workplace import Workplace
from sweeps.entries.curves import read_curves
from sweeps.entries.lost import Lost
from sweeps.exports.frames import read_trials, record_of, runs_frame

TRAINING, ENTRY, SEARCH = "training", "entry", "search"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackedRun:
    """One run as a tracker keeps it."""

    name: str
    kind: str
    """Training, entry or search."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    series: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    """Name → step and value."""
    summary: Mapping[str, float] = field(default_factory=dict)
    """Name → last value."""


def list_runs(name: str, place: Workplace) -> list[TrackedRun]:
    """The runs of a sweep: one for each training, one for each entry and seed, and one for its search.

    Raises:
        InputError: there is no such sweep, or another version of golfsweep wrote it.
    """
    record = record_of(name, place)
    runs = [
        TrackedRun(name=curve.label, kind=TRAINING, series={"train/loss": curve.points})
        for curve in read_curves(name, place, Lost())
    ]
    frame = runs_frame(name, place)
    for (entry, seed), line in zip(frame.index, frame.to_dict("records"), strict=True):
        numbers = {
            str(key): float(value) for key, value in line.items() if isinstance(value, int | float) and value == value
        }
        numbers = {key: value for key, value in numbers.items() if not isinstance(line[key], bool)}
        settings = {"entry": str(entry), "seed": str(seed), "track": str(line["track"])}
        runs.append(TrackedRun(name=f"{entry} seed {seed}", kind=ENTRY, settings=settings, summary=numbers))
    if trials := [trial for trial in read_trials(record, place) if trial.value is not None]:
        searched = {"search/value": [(trial.number, float(trial.value or 0.0)) for trial in trials]}
        for parameter in dict.fromkeys(name for trial in trials for name in trial.parameters):
            points = [(trial.number, trial.parameters.get(parameter)) for trial in trials]
            numbers_only = [(step, float(value)) for step, value in points if isinstance(value, int | float)]
            if numbers_only:
                searched[f"search/{parameter}"] = numbers_only
        runs.append(TrackedRun(name="search", kind=SEARCH, series=searched))
    return runs
