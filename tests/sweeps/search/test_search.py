"""A search is a function of its file and its results: not of workers, order of completion, or crashes."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from golf.errors import InputError
from sweeps.driver.trials import search_of
from sweeps.search.samplers import SAMPLERS, Draw
from sweeps.search.search import Search
from sweeps.spec.file import parse_sweep

SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "epochs": IntDistribution(1, 4),
    "kinds": CategoricalDistribution(["a", "b"]),
}
FIRST = {"lr": 0.05, "epochs": 4, "kinds": "b"}
TPE = Search(distributions=SPACE, sampler="tpe", trials=20, parallel=4, seed=3, first=(FIRST,))


def objective(parameters: Mapping[str, Any]) -> float | None:
    """A valley at lr = 0.003; some settings fail."""
    if "eval.lr" in parameters:
        return float(parameters["eval.lr"])
    if parameters["epochs"] == 3 and parameters["kinds"] == "b":
        return None
    return (math.log(parameters["lr"] / 0.003)) ** 2 + 0.1 * parameters["epochs"]


def play(search: Search, workers: int, order: random.Random) -> dict[int, dict[str, Any]]:
    """Run a search on workers that end in any order; a new object answers each call."""
    parameters: dict[int, dict[str, Any]] = {}
    values: dict[int, float | None] = {}
    running: list[int] = []
    while len(values) < search.trials:
        while len(running) < workers and replace(search).ready(len(parameters), values):
            number = len(parameters)
            parameters[number] = replace(search).ask(number, parameters, values)
            running.append(number)
        ended = running.pop(order.randrange(len(running)))
        values[ended] = objective(parameters[ended])
    return parameters


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "grid"])
@pytest.mark.filterwarnings("ignore")  # the GP sampler's own, about few points
def test_the_trials_are_the_same_on_any_number_of_workers(sampler: str) -> None:
    search = replace(TPE, sampler=sampler, trials=8 if sampler == "gp" else 16)
    alone = play(search, 1, random.Random(0))
    for workers in (2, 8):
        assert play(search, workers, random.Random(workers)) == alone
    assert alone[0] == FIRST


def test_a_longer_search_begins_like_a_shorter_one_and_another_seed_differs() -> None:
    short, long = play(TPE, 2, random.Random(0)), play(replace(TPE, trials=26), 2, random.Random(1))
    assert {number: long[number] for number in short} == short
    other = play(replace(TPE, seed=4), 2, random.Random(0))
    assert other[1] != short[1]


def test_trial_n_waits_for_those_that_it_must_see_and_for_no_other() -> None:
    values: dict[int, float | None] = {0: 1.0, 1: None}
    assert TPE.ready(5, values)
    assert not TPE.ready(6, values)
    assert not TPE.ready(TPE.trials, dict.fromkeys(range(99), 1.0))


def test_results_inside_the_window_do_not_count() -> None:
    parameters = play(TPE, 1, random.Random(0))
    values = {number: objective(parameters[number]) for number in range(19)}
    changed = {**values, 16: 99.0, 17: None, 18: -99.0}
    before = {number: parameters[number] for number in range(19)}
    assert TPE.ask(19, before, values) == TPE.ask(19, before, changed)
    negated = {number: None if value is None else -value for number, value in values.items()}
    assert TPE.ask(19, before, values) != TPE.ask(19, before, negated)


def test_a_grid_repeats_no_point() -> None:
    space: dict[str, BaseDistribution] = {"a": IntDistribution(0, 3), "b": CategoricalDistribution(["x", "y"])}
    search = Search(distributions=space, sampler="grid", trials=8, parallel=2, seed=0)
    points = play_plain(search)
    assert len({tuple(sorted(point.items())) for point in points}) == 8


def play_plain(search: Search) -> list[dict[str, Any]]:
    parameters: dict[int, dict[str, Any]] = {}
    values: dict[int, float | None] = {}
    for number in range(search.trials):
        parameters[number] = search.ask(number, parameters, values)
        values[number] = 1.0
    return list(parameters.values())


def test_tpe_draws_near_the_valley_more_often_than_chance() -> None:
    def late(sampler: str, seed: int) -> float:
        """Mean of the last trials' results."""
        search = replace(TPE, sampler=sampler, trials=40, seed=seed, first=())
        values = [objective(parameters) for parameters in list(play(search, 4, random.Random(0)).values())[25:]]
        known = [value for value in values if value is not None]
        return sum(known) / len(known)

    seeds = range(5)
    assert sum(late("tpe", seed) for seed in seeds) < 0.8 * sum(late("random", seed) for seed in seeds)


@pytest.mark.filterwarnings("ignore")  # the GP sampler's own, about few points
def test_the_model_of_the_gp_sampler_is_as_repeatable_as_its_start() -> None:
    search = replace(TPE, sampler="gp", trials=12, parallel=2)
    assert play(search, 2, random.Random(1)) == play(search, 1, random.Random(0))


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_whatever_is_drawn_lies_in_the_space(sampler: str) -> None:
    for point in play_plain(replace(TPE, sampler=sampler, trials=20, first=())):
        assert set(point) == set(SPACE)
        assert 1e-4 <= point["lr"] <= 1e-1
        assert point["epochs"] in (1, 2, 3, 4) and isinstance(point["epochs"], int)
        assert point["kinds"] in ("a", "b")


def test_the_sampler_sees_every_earlier_trial_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    studies: list[optuna.Study] = []
    make = optuna.create_study

    def remembered(**settings: Any) -> optuna.Study:
        studies.append(make(**settings))
        return studies[-1]

    monkeypatch.setattr(optuna, "create_study", remembered)
    parameters = {number: {"lr": 0.01 + 0.001 * number, "epochs": 1, "kinds": "a"} for number in range(7)}
    # The results of 4 and 5 are known, but within the window of four.
    values = {5: 0.5, 4: None, 3: 0.3, 2: None, 1: 0.1, 0: 0.9}
    before = dict(parameters), dict(values)
    TPE.ask(7, parameters, values)
    assert (parameters, values) == before
    *seen, drawn = studies[-1].get_trials(deepcopy=False)
    assert drawn.number == 7
    assert [trial.params for trial in seen] == [parameters[number] for number in range(7)]
    complete, failed, running = TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING
    assert [trial.state for trial in seen] == [complete, complete, failed, complete, running, running, running]
    assert [trial.value for trial in seen] == [0.9, 0.1, None, 0.3, None, None, None]
    assert studies[-1].direction == optuna.study.StudyDirection.MINIMIZE


def test_first_trials_come_first_and_cost_no_draw() -> None:
    second = {"lr": 0.02, "epochs": 1, "kinds": "a"}
    search = replace(TPE, first=(FIRST, second))
    points = play_plain(search)
    assert points[:2] == [FIRST, second]
    # Trial n is drawn from (seed, n): before there is a model, what came before does not matter.
    assert points[2:5] == play_plain(replace(TPE, first=()))[2:5]


GRID = {"a": IntDistribution(0, 3), "b": CategoricalDistribution(["x", "y"])}


def grid(space: Mapping[str, BaseDistribution], trials: int, **settings: Any) -> list[dict[str, Any]]:
    given: dict[str, Any] = {"parallel": 2, "seed": 0, **settings}
    return play_plain(Search(distributions=dict(space), sampler="grid", trials=trials, **given))


def test_a_grid_has_five_points_of_a_continuous_range_both_ends_included() -> None:
    plain = sorted(point["x"] for point in grid({"x": FloatDistribution(1.0, 3.0)}, 5))
    assert plain == pytest.approx([1.0, 1.5, 2.0, 2.5, 3.0])
    log = sorted(point["x"] for point in grid({"x": FloatDistribution(1e-4, 1.0, log=True)}, 5))
    assert log == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])


def test_first_trials_leave_no_point_of_a_grid_out() -> None:
    points = grid(GRID, 9, first=({"a": 1, "b": "x"},))
    assert {(point["a"], point["b"]) for point in points} == {(a, b) for a in range(4) for b in "xy"}


@pytest.mark.filterwarnings("ignore")  # a warning on the way is as bad, but the error is what users would see
def test_a_grid_stays_within_its_range() -> None:
    # 1e-5 · (3e-5 / 1e-5) is not 3e-5 in floating point.
    grid({"x": FloatDistribution(1e-5, 3e-5, log=True), "k": CategoricalDistribution(["a", "b"])}, 10)


@pytest.mark.filterwarnings("ignore")
def test_a_grid_goes_in_steps_where_there_are_any() -> None:
    points = grid({"x": FloatDistribution(0.0, 1.0, step=0.1)}, 11)
    assert sorted(point["x"] for point in points) == pytest.approx([step / 10 for step in range(11)])


@pytest.mark.parametrize("seed", [-1, 2**40])
def test_a_grid_takes_any_seed(seed: int) -> None:
    assert len(grid(GRID, 8, seed=seed)) == 8


class Midpoint:
    """A sampler that always draws the middle of each range."""

    learns = False

    def most_trials(self, distributions: Mapping[str, BaseDistribution]) -> int | None:
        return 1

    def draw(self, draw: Draw) -> dict[str, Any]:
        return {
            name: (distribution.low + distribution.high) / 2
            for name, distribution in draw.distributions.items()
            if hasattr(distribution, "low")
        }


def test_a_new_sampler_is_a_class_and_a_line_of_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    file: dict[str, Any] = {
        "name": "x", "data": {"tokens": "demo"}, "seeds": {"tune": [1], "confirm": [2]}, "confirm": {"top": 1},
        "search": {
            "trials": 1, "documents": 8, "sampler": "midpoint", "space": {"eval.lr": {"low": 0.25, "high": 0.75}}
        },
    }  # fmt: skip
    with pytest.raises(InputError, match="no such sampler; known are tpe, gp, random, grid"):
        parse_sweep(file, "some.toml")
    monkeypatch.setitem(SAMPLERS, "midpoint", Midpoint())
    search = search_of(parse_sweep(file, "some.toml"))
    assert play(search, 2, random.Random(0)) == {0: {"eval.lr": 0.5}}
    assert not search.learns
    file["search"]["trials"] = 2
    with pytest.raises(InputError, match=r"search\.trials = 2: the midpoint has 1 points"):
        parse_sweep(file, "some.toml")
