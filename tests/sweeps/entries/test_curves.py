"""Training curves: every training's, told apart by the entries that need it and its seed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.entries.curves import read_curves
from sweeps.entries.lost import Lost
from tests.sweeps.made_up import file, play


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    opened = Workplace.open(tmp_path)
    yield opened
    opened.store.close()


def labels(place: Workplace, **changes: Any) -> list[str]:
    sweep = play(place, file("one", **changes))
    curves = read_curves(sweep.spec.name, place, Lost())
    done = [job for job in place.store.jobs(states=[JobState.DONE]) if job.order.job.stage == "train"]
    assert len({curve.key for curve in curves}) == len(curves) == len(done)
    assert all(curve.points == [(1, 3.5), (2, 3.0)] for curve in curves)
    return [curve.label for curve in curves]


ARMS = [{"name": "base", "baseline": True}, {"name": "slow", "train": {"muon_lr": 0.001}}]


def test_arms_that_train_differently_on_one_seed_have_a_curve_each(place: Workplace) -> None:
    assert sorted(labels(place, arm=ARMS, seeds={"confirm": [3, 4]})) == [
        "base seed 3", "base seed 4", "slow seed 3", "slow seed 4",
    ]  # fmt: skip


def test_a_training_that_entries_share_is_shown_once_with_their_names(place: Workplace) -> None:
    assert sorted(labels(place)) == ["base and 2 more seed 3", "base, none seed 4", "base, none seed 5"]


def test_trials_that_train_differently_are_told_apart(place: Workplace) -> None:
    search = {
        "trials": 2, "parallel": 2, "documents": 2, "sampler": "grid", "space": {"train.muon_lr": [0.01, 0.02]},
    }  # fmt: skip
    seeds = {"tune": [1], "confirm": [3]}
    curves = labels(place, search=search, arm=[], seeds=seeds, confirm={"top": 2})
    assert sorted(curves) == [f"trial {number} seed {seed}" for number in (0, 1) for seed in (1, 3)]


def test_trainings_of_a_search_that_all_trials_share_are_its_own(place: Workplace) -> None:
    search = {"trials": 2, "parallel": 2, "documents": 2, "space": {"eval.lr": {"low": 1e-3, "high": 1e-2}}}
    assert "search seed 1" in labels(place, search=search, seeds={"tune": [1], "confirm": [3]}, confirm={"top": 1})
