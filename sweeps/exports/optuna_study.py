"""A search as an Optuna study in a storage file, which `optuna.load_study` and its dashboard read."""

from datetime import UTC, datetime
from pathlib import Path

import optuna
from optuna.distributions import json_to_distribution
from optuna.trial import FrozenTrial, TrialState

from golf.errors import InputError
from jobs.store import TrialRecord
from jobs.workplace import Workplace
from sweeps.exports.frames import read_trials, record_of

STATES = {"complete": TrialState.COMPLETE, "failed": TrialState.FAIL, "infeasible": TrialState.FAIL}
"""Ended trials; one that is infeasible is a failure to Optuna, with its reason as an attribute."""


def write_study(name: str, place: Workplace, file: Path) -> None:
    """Write the ended trials of a sweep's search, in their order, as a study of the sweep's name.

    Raises:
        InputError: the sweep has no search, or no trial has ended.
    """
    record = record_of(name, place)
    trials = [trial for trial in read_trials(record, place) if trial.state in STATES]
    if not trials:
        raise InputError(f"sweep {name}: has no ended trial to export; export --to csv has its entries")
    created = datetime.fromtimestamp(record.created, UTC).replace(tzinfo=None)
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it reports each study that it makes on stderr
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        study = optuna.create_study(study_name=name, storage=storage, direction="minimize")
        study.set_user_attr("metric", "bits per byte on tuning documents; lower is better")
        study.add_trials([_frozen(trial, created) for trial in trials])
        storage.engine.dispose()
    finally:
        optuna.logging.set_verbosity(level)


def _frozen(trial: TrialRecord, moment: datetime) -> FrozenTrial:
    state = STATES[trial.state]
    return FrozenTrial(
        number=trial.number,
        trial_id=trial.number,
        state=state,
        value=trial.value if state == TrialState.COMPLETE else None,
        datetime_start=moment,
        datetime_complete=moment,
        params=dict(trial.parameters),
        distributions={name: json_to_distribution(text) for name, text in trial.distributions.items()},
        user_attrs={"golfsweep_trial": trial.number, "state": trial.state},
        system_attrs={},
        intermediate_values={},
    )
