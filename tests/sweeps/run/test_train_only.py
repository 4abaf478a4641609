"""Seeds that are trained and not evaluated: which jobs they have, and what the leaderboard makes of them."""

from contextlib import closing
from pathlib import Path

import pytest

from jobs.state import JobState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.entries.form import evaluations_of
from sweeps.entries.reading import board_of
from tests.sweeps.evaluations import entries, evaluation
from tests.sweeps.made_up import file, play
from tests.sweeps.made_up_world import World, spec_of


def test_they_are_trained_and_quantized_and_nothing_else(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path)
    sweep = play(place, file("one", confirm={"train_only": 2}))
    jobs = place.store.jobs()
    assert all(job.state == JobState.DONE for job in jobs)
    stages = {seed: {job.order.job.stage for job in jobs if job.order.job.seed == seed} for seed in (3, 6, 7)}
    assert stages[6] == stages[7] == {"train", "quantize"} < stages[3]
    assert sweep.driver(place.store, read_only=True).step().done
    for entry in place.store.entries("one"):
        runs = evaluations_of(entry)
        assert runs[0].trained_only == (runs[0].trained_bpb,) * 2
        assert {run.seed for run in runs} <= {3, 4, 5}
        assert set(entry.evidence["trained_only"]) == {"6", "7"}
    assert all(len(row["seeds"]) <= 3 for row in board_of("one", place).table())


def test_a_sweep_waits_for_them_and_goes_on_without_those_that_fail(tmp_path: Path) -> None:
    spec = spec_of(search=None, arm=[{"name": "base"}], confirm={"top": 0, "train_only": 2})
    with closing(Store.open(f"sqlite:///{tmp_path}/store.db")) as store:
        world = World(spec, store, fails=lambda job: job.stage == "train" and job.seed == 6)
        world.look()
        assert {job.order.job.seed for job in store.jobs()} == {3, 4, 5, 6}  # at once, not after the evaluations
        world.play()
        states = {(job.order.job.stage, job.order.job.seed): job.state for job in store.jobs()}
        assert states["quantize", 5] == JobState.DONE
        assert states["train", 6] == JobState.FAILED
        assert not {("quantize", 6), ("eval", 5), ("eval", 6)} & states.keys()
        assert [chain.measurement.seed for chain in world.driver.trained_only()] == [5]


def test_the_leaderboard_estimates_the_mean_from_them() -> None:
    trained = [1.30, 1.31, 1.325]
    runs = [
        evaluation(
            name, seed, bpb - gain + seed / 5000, weights=f"{name} {seed}", trained_bpb=bpb, trained_only=further
        )
        for name, gain, further in (("base", 0.1, ()), ("best", 0.12, (1.29, 1.30, 1.295, 1.285)))
        for seed, bpb in enumerate(trained)
    ]
    rows = entries(runs)
    assert rows["base"]["mean_over_trainings"] is None
    estimate = rows["best"]["mean_over_trainings"]
    assert (estimate["trained"], estimate["evaluated"]) == (7, 3)
    assert estimate["mean"] < rows["best"]["val_bpb_mean"]  # the further trainings are better than the evaluated ones
    low, high = estimate["ci95"]
    assert high - low < rows["best"]["val_bpb_ci95"][1] - rows["best"]["val_bpb_ci95"][0]
    assert rows["best"]["val_bpb_mean"] == pytest.approx(sum(rows["best"]["seeds"].values()) / 3)
