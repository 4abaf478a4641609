"""A search is a function of its file and its results: not of workers, order of completion, or crashes."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from sweeps.search import Search

SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1e-1, log=True),
    "epochs": IntDistribution(1, 4),
    "kinds": CategoricalDistribution(["a", "b"]),
}
FIRST = {"lr": 0.05, "epochs": 4, "kinds": "b"}
TPE = Search(distributions=SPACE, sampler="tpe", trials=20, parallel=4, seed=3, first=(FIRST,))


def objective(parameters: Mapping[str, Any]) -> float | None:
    """A valley at lr = 0.003; some settings fail."""
    if parameters["epochs"] == 3 and parameters["kinds"] == "b":
        return None
    return (math.log(parameters["lr"] / 0.003)) ** 2 + 0.1 * parameters["epochs"]


def play(search: Search, workers: int, order: random.Random) -> dict[int, dict[str, Any]]:
    """Run a search on some workers that end in any order; everything is asked of a fresh object."""
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


def test_results_inside_the_window_are_not_looked_at() -> None:
    parameters = play(TPE, 1, random.Random(0))
    values = {number: objective(parameters[number]) for number in range(19)}
    changed = {**values, 16: 99.0, 17: None, 18: -99.0}
    before = {number: parameters[number] for number in range(19)}
    assert TPE.ask(19, before, values) == TPE.ask(19, before, changed)
    told = {number: None if value is None else -value for number, value in values.items()}
    assert TPE.ask(19, before, values) != TPE.ask(19, before, told)


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
        found = [objective(parameters) for parameters in list(play(search, 4, random.Random(0)).values())[25:]]
        known = [value for value in found if value is not None]
        return sum(known) / len(known)

    seeds = range(5)
    assert sum(late("tpe", seed) for seed in seeds) < 0.8 * sum(late("random", seed) for seed in seeds)
