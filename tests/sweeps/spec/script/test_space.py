"""The search space of a script: variables and tables of them, which stages they reach, and first trials."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from golf.errors import InputError
from sweeps.spec.file import SweepSpec
from sweeps.spec.script.code import ScriptCode
from sweeps.spec.script.defaults import with_defaults
from tests.sweeps.spec.script.test_kind import EVAL, SCRIPT, TRAIN, env, problems, spec_of

PAIRS = [{"RANK": "56", "ALPHA": "84"}, {"RANK": 80, "ALPHA": 144}]


def searched(space: dict[str, Any], **changes: Any) -> SweepSpec:
    return spec_of(search={"trials": 4, "space": space, **changes}, confirm={"top": 1})


def refusal(space: dict[str, Any], **changes: Any) -> str:
    return problems(search={"trials": 4, "space": space, **changes}, confirm={"top": 1})


def test_whole_numbers_stay_whole_and_a_list_is_choices() -> None:
    spec = searched({
        "script.env.MATRIX_LR": {"low": 0.015, "high": 0.06, "log": True},
        "script.eval.env.TTT_EPOCHS": {"low": 1, "high": 5},
        "script.env.QK_GAIN_INIT": {"low": 1.5, "high": 5},
        "script.train.env.MIX": [True, 3, 0.5, "x"],
    })  # fmt: skip
    assert spec.search is not None
    kinds = [parameter.distribution for parameter in spec.search.space.values()]
    assert [type(kind) for kind in kinds] == [
        FloatDistribution, IntDistribution, FloatDistribution, CategoricalDistribution,
    ]  # fmt: skip
    drawn = {
        "script.env.MATRIX_LR": 0.02, "script.eval.env.TTT_EPOCHS": 3, "script.env.QK_GAIN_INIT": 3.0,
        "script.train.env.MIX": "true",
    }  # fmt: skip
    recipe = spec.trial_recipe(drawn)
    assert env(recipe, "train") == {
        "ITERATIONS": "20000", "MATRIX_LR": "0.02", "MIX": "1", "QK_GAIN_INIT": "3.0", "SEED": "{seed}", "TTT": "1",
        "WIDTH": "512",
    }  # fmt: skip
    assert env(recipe, "eval")["TTT_EPOCHS"] == "3" and "TTT_EPOCHS" not in env(recipe, "train")


def test_settings_that_go_together_are_one_parameter() -> None:
    spec = searched({"script.eval.env": PAIRS}, first=[{"script": {"eval": {"env": {"RANK": 80, "ALPHA": "144"}}}}])
    assert spec.search is not None and list(spec.search.space) == ["script.eval.env"]
    [first] = spec.search.first
    recipe = spec.trial_recipe(first)
    assert (env(recipe, "eval")["RANK"], env(recipe, "eval")["ALPHA"]) == ("80", "144")
    assert "RANK" not in env(recipe, "train")


def test_a_parameter_decides_the_stages_that_it_reaches() -> None:
    space = {
        "script.env.WIDTH": [1, 2], "script.env.ITERATIONS": [10, 20], "script.env.TTT": [3, 4],
        "script.eval.env.X": [1, 2], "script.env": [{"A": 1, "ITERATIONS2": 2}, {"A": 2, "ITERATIONS2": 3}],
    }  # fmt: skip
    del space["script.env.TTT"]
    spec = searched(space)
    assert spec.search is not None
    reached = {name: set(parameter.sections) for name, parameter in spec.search.space.items()}
    assert reached == {
        "script.env.WIDTH": {"train", "eval"},
        "script.env.ITERATIONS": {"train"},
        "script.eval.env.X": {"eval"},
        "script.env": {"train", "eval"},
    }
    assert spec.pipeline().sections("script.train") == {"train"}


def test_a_stages_own_parameter_reaches_all_stages_that_come_from_it_even_without_an_output() -> None:
    script = {
        "file": "t.py", "a": {"out": {"x": "x"}}, "b": {"from": "a"},
        "c": {"from": "b", "keep": ["x"], "out": {"y": "y"}}, "d": {"from": "c", "keep": ["y"], "metric": "m"},
    }  # fmt: skip
    spec = spec_of(script, search={"trials": 2, "space": {"script.b.env.K": [1, 2]}}, confirm={"top": 1})
    assert spec.search is not None and spec.search.space["script.b.env.K"].sections == {"b", "c", "d"}
    assert env(spec.trial_recipe({"script.b.env.K": "2"}), "c") == {"K": "2"}


@pytest.mark.parametrize("space", [{"script.env.WIDTH": [1, 2]}, {"script.env": [{"WIDTH": 1}, {"WIDTH": 2}]}])
def test_what_the_proxy_sets_for_all_trials_cannot_be_searched(space: dict[str, Any]) -> None:
    found = refusal(space, proxy={"env": {"WIDTH": 128}})
    assert "search.proxy.env sets WIDTH for all trials; leave it out of one of them" in found
    own = {"script.eval.env.WIDTH": [1, 2]}
    assert "search.proxy.eval.env sets WIDTH" in refusal(own, proxy={"eval": {"env": {"WIDTH": 128}}})
    searched(own, proxy={"env": {"WIDTH": 128}})  # a stage's own value stands


@pytest.mark.parametrize(
    ("space", "expected"),
    [
        ({"train.muon_lr": [0.1]}, 'search.space."train.muon_lr": unknown key; expected script.env.NAME'),
        ({"script.evl.env.X": [1]}, 'search.space."script.evl.env.X": no such stage; did you mean eval?'),
        ({"script.env.A-B": [1]}, "not a name of an environment variable"),
        ({"script.env.TTT": [1, 2]}, 'search.space."script.env.TTT": every stage sets it itself; name the stage'),
        ({"script.env.A": [1, "1"]}, "'1' is there twice"),
        ({"script.env.A": {"low": 1}}, "no range; expected numbers low and high"),
        ({"script.env.A": {"low": 1, "high": 2, "per": "layer"}}, ".per: unknown key"),
        ({"script.eval.env": [{"A": 1}, {"B": 1}]}, "its tables name different variables"),
        ({"script.eval.env": {"low": 1, "high": 2}}, "expected a list of tables"),
        ({"script.eval.env": [{"A": 1}, {"A": 2}], "script.eval.env.A": [1, 2]}, "both decide A; name it once"),
        ({"script.env.A": ["{dat}", "{data}"]}, "{dat}: nothing of that name"),
        ({}, "search.space: empty; name at least one variable"),
    ],
)
def test_a_space_that_cannot_be_is_refused(space: dict[str, Any], expected: str) -> None:
    assert expected in refusal(space)


def test_a_first_trial_takes_the_value_that_its_stage_has_from_the_tables_before_its_own() -> None:
    script = {**SCRIPT, "train": {**TRAIN, "env": {"RANK": 5}}, "eval": {**EVAL, "env": {}}}
    space = {"script.eval.env.WIDTH": [256, 512], "script.eval.env.RANK": {"low": 1, "high": 9}}
    spec = spec_of(script, search={"trials": 2, "space": space, "first": [{}]}, confirm={"top": 1})
    assert spec.search is not None
    assert spec.search.first == ({"script.eval.env.WIDTH": "512", "script.eval.env.RANK": 5},)


def test_a_first_trial_takes_the_files_values_then_the_scripts_own_defaults() -> None:
    space = {"script.env.WIDTH": [256, 512], "script.env.LR": {"low": 0.01, "high": 0.1}, "script.eval.env.X": [1, 2]}
    spec = searched(space, first=[{"script": {"eval": {"env": {"X": 2}}}}])
    code = ScriptCode(versions={}, runtime={}, names={"LR": "0.04", "X": None})
    complete = with_defaults(spec, code)
    assert complete.search is not None
    assert complete.search.first == ({"script.env.WIDTH": "512", "script.env.LR": 0.04, "script.eval.env.X": "2"},)
    with pytest.raises(InputError, match=r"search.first 1: script.env.LR: missing, and the script's source tells no"):
        with_defaults(spec, ScriptCode(versions={}, runtime={}, names={}))
    outside = (
        r'LR: missing, and the script\'s default "0.0" is not in search.space; give it a value, or add the default'
    )
    with pytest.raises(InputError, match=outside):
        with_defaults(spec, ScriptCode(versions={}, runtime={}, names={"LR": "0.0"}))


def test_a_first_trial_outside_the_space_is_refused() -> None:
    space = {"script.env.WIDTH": [256, 512]}
    assert "script.env.WIDTH = 300: outside its range" in refusal(space, first=[{"script": {"env": {"WIDTH": 300}}}])
    assert "unknown key" in refusal(space, first=[{"script": {"env": {"HEIGHT": 300}}}])


@given(value=st.one_of(st.integers(-(10**9), 10**9), st.floats(1e-6, 1e6)))
def test_a_drawn_number_reads_back_as_itself(value: float) -> None:
    from sweeps.spec.script.environment import text_of

    assert type(value)(text_of(value)) == value
