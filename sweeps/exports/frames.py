"""Entries, runs and trials as typed pandas frames: numbers are numbers, an unknown value is missing.

frame    line                                                      index
entries  an entry of the leaderboard, with its numbers             entry
runs     an entry's evaluation or run of one seed                  entry, seed
trials   a trial of the search, with its settings and its value    trial
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from golf.errors import InputError
from jobs.store import SweepRecord, TrialRecord
from jobs.workplace import Workplace
from sweeps.contests.catalog import DEFAULT, contest_named
from sweeps.entries.facts import SweepFacts, contest_of
from sweeps.entries.lost import Lost
from sweeps.entries.reading import board_of
from sweeps.standings.reading import standings_of

TEXTS = frozenset(
    {
        "author", "contest", "date", "findings", "incumbent", "machine", "settled_by", "source", "sweep", "tokenizer",
        "track", "tried_by", "unchecked", "url", "verdict", "verdict_against", "verdict_test",
    }
)  # fmt: skip
"""Columns of text, also where no entry has any."""
FLAGS = frozenset({"incumbent_too", "order_unknown", "same_code", "same_settings"})
"""Columns of truth values, also where no entry has one."""
_RUN_COLUMNS = (
    "seed", "bpb", "trained_bpb", "quantized_bpb", "steps", "model_bytes", "code_bytes", "cost", "fresh_seed",
    "whole_set", "machine",
)  # fmt: skip


def entries_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The entries of a leaderboard as a frame, best first.

    An interval becomes two columns, a table of numbers a column for each of its values (`bytes.model`), a list JSON.
    """
    flat = [_flatten(row) for row in rows]
    frame = _typed({"entry": [row["name"] for row in rows]}, flat)
    return frame.drop(columns="name", errors="ignore").set_index("entry")


def runs_frame(name: str, place: Workplace) -> pd.DataFrame:
    """The runs of a sweep's entries, entry after entry.

    Raises:
        InputError: there is no such sweep, or another version of golfsweep wrote it.
    """
    record = record_of(name, place)
    lines: list[dict[str, Any]] = []
    if (contest := contest_of(record)) == DEFAULT:
        for entry in board_of(name, place, Lost()).entries():
            if entry.sweep == name:
                lines += [
                    {"entry": entry.name, "track": entry.track}
                    | {column: getattr(run, column) for column in _RUN_COLUMNS}
                    | dict(run.clocks)
                    for run in entry.runs
                ]
    else:
        for standing in standings_of(contest_named(contest), place).all:
            if standing.entry.sweep == name:
                lines += [
                    {"entry": standing.entry.name, "track": standing.entry.track, "seed": run}
                    | {standing.entry.metric: float(result.score), "seconds": result.seconds, "gpu": result.gpu}
                    for run, result in standing.entry.runs.items()
                ]
    frame = _typed({"entry": [line.pop("entry") for line in lines]}, lines, least=("track", "seed"))
    return frame.set_index(["entry", "seed"])


def trials_frame(name: str, place: Workplace) -> pd.DataFrame:
    """The trials of a sweep's search: state, value (in bits per byte; lower is better) and settings.

    Raises:
        InputError: there is no such sweep, or another version of golfsweep wrote it.
    """
    trials = read_trials(record_of(name, place), place)
    lines = [{"state": trial.state, "value": trial.value, **trial.parameters} for trial in trials]
    frame = _typed({"trial": [trial.number for trial in trials]}, lines, least=("state", "value"))
    return frame.set_index("trial")


def read_trials(record: SweepRecord, place: Workplace) -> list[TrialRecord]:
    """Trials of the sweep's search by number; an earlier, longer one may have drawn more."""
    facts = SweepFacts.of(record)
    if facts.search is None:
        return []
    return [trial for trial in place.store.trials(facts.name, facts.search) if trial.number < facts.trials]


def record_of(name: str, place: Workplace) -> SweepRecord:
    """A sweep's record.

    Raises:
        InputError: there is no such sweep.
    """
    record = place.store.sweep(name)
    if record is None:
        known = ", ".join(sweep.name for sweep in place.store.sweeps()) or "none yet"
        raise InputError(f'no sweep "{name}" in {place.home.root}; there are: {known}')
    return record


def leaderboard_rows(name: str | None, place: Workplace) -> list[dict[str, Any]]:
    """The rows of a sweep's leaderboard, of whatever contest; of public records alone where there is no sweep."""
    record = None if name is None else record_of(name, place)
    if record is not None and (contest := contest_of(record)) != DEFAULT:
        return standings_of(contest_named(contest), place).rows(name)
    return board_of(name, place, Lost()).table()


def _flatten(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        if name == "val_bpb_ci95":
            flat["val_bpb_ci95_low"], flat["val_bpb_ci95_high"] = value or (None, None)
        elif name == "findings":
            flat[name] = ", ".join(finding["code"] for finding in value)
        elif name == "seeds" and isinstance(value, Mapping):
            flat["n"] = sum(score is not None for score in value.values())
        elif isinstance(value, Mapping) and not any(isinstance(part, Mapping | list) for part in value.values()):
            flat |= {f"{name}.{key}": part for key, part in value.items()}
        else:
            flat[name] = json.dumps(value) if isinstance(value, Mapping | list) else value
    return flat


def _typed(
    index: Mapping[str, Sequence[Any]], lines: Sequence[Mapping[str, Any]], least: Sequence[str] = ()
) -> pd.DataFrame:
    """A frame whose columns have types that hold missing values."""
    names = dict.fromkeys([*least, *(name for line in lines for name in line)])
    columns: dict[str, Any] = {
        name: pd.array(list(values), dtype=_type(name, values)) for name, values in index.items()
    }
    for name in names:
        values = [line.get(name) for line in lines]
        columns[name] = pd.array(values, dtype=_type(name, values))
    return pd.DataFrame(columns)


def _type(name: str, values: Sequence[Any]) -> Any:
    known = [value for value in values if value is not None]
    if name in TEXTS or (known and any(isinstance(value, str) for value in known)):
        return "string"
    if name in FLAGS or (known and all(isinstance(value, bool) for value in known)):
        return "boolean"
    if known and all(isinstance(value, int) for value in known):
        return "Int64"
    return "float64"
