"""The search space: settings by name, depth in parts, and no trial that cannot be built."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution, IntDistribution

from golf.errors import InputError
from sweeps.search.search import Search
from sweeps.spec.checks.corners import check_space
from sweeps.spec.recipe import build_recipe, every_setting
from sweeps.spec.space import apply, parse_space, resolve, settings_of

BASE: dict[str, Any] = {"train": {"model": {"num_layers": 5}}, "eval": {"lr": 0.02}}
RECIPE = build_recipe(BASE, "test")


def parameters(**space: Any) -> dict[str, Any]:
    return dict(parse_space({name.replace("__", "."): given for name, given in space.items()}, RECIPE, "test"))


def test_ranges_become_distributions_of_their_kind() -> None:
    parsed = parameters(
        eval__lr={"low": 1e-4, "high": 1, "log": True},
        eval__epochs={"low": 1, "high": 5},
        eval__weight_decay={"low": 0, "high": 0.5, "step": 0.1},
        eval__chunk=[64, 128],
    )
    assert parsed["eval.lr"].distribution == FloatDistribution(1e-4, 1.0, log=True)
    assert parsed["eval.epochs"].distribution == IntDistribution(1, 5)
    assert parsed["eval.weight_decay"].distribution.step == 0.1
    assert parsed["eval.chunk"].distribution.choices == ("64", "128")


def test_a_multiplier_varies_by_layer_by_third_or_for_all() -> None:
    given = {"low": 0.1, "high": 4.0}
    by_layer = parameters(eval__multipliers__q={**given, "per": "layer"})
    assert list(by_layer) == [f"eval.multipliers.q.{layer}" for layer in range(5)]
    thirds = parameters(eval__multipliers__q={**given, "per": "third"})
    # ⌊3·l/5⌋ of layers 0 … 4 is 0 0 1 1 2.
    assert [parameter.layers for parameter in thirds.values()] == [(0, 1), (2, 3), (4,)]
    drawn = {name: index + 1.0 for index, name in enumerate(thirds)}
    assert settings_of(thirds, drawn, 5) == {"eval": {"multipliers": {"q": [1.0, 1.0, 2.0, 2.0, 3.0]}}}
    recipe = apply(thirds, drawn, BASE, RECIPE.train.model.num_layers, "test")
    assert recipe.eval.multipliers.q == (1.0, 1.0, 2.0, 2.0, 3.0)
    assert recipe.eval.lr == 0.02


def test_lists_and_tables_can_be_choices() -> None:
    kinds = parameters(eval__adapters=[["q", "v"], ["q", "k", "v", "head"]])
    recipe = apply(kinds, {"eval.adapters": '["q", "v"]'}, BASE, RECIPE.train.model.num_layers, "test")
    assert recipe.eval.adapters == ("q", "v")


def test_a_trial_that_the_file_writes_out_is_completed_from_the_recipe() -> None:
    space = parameters(
        eval__lr={"low": 1e-4, "high": 1.0, "log": True},
        eval__multipliers__q={"low": 0.1, "high": 4.0, "per": "third"},
        eval__chunk=[64, 256],
    )
    resolved = resolve(space, {"eval": {"multipliers": {"q": 2}}}, RECIPE, "test")
    thirds = {f"eval.multipliers.q.{third}": 2.0 for third in ("first", "middle", "last")}
    assert resolved == {"eval.lr": 0.02, **thirds, "eval.chunk": "256"}
    with pytest.raises(InputError, match="outside its range"):
        resolve(space, {"eval": {"lr": 2.0}}, RECIPE, "test")
    with pytest.raises(InputError, match=r"eval\.lrr: unknown key; did you mean eval\.lr\?"):
        resolve(space, {"eval": {"lrr": 0.1}}, RECIPE, "test")


@pytest.mark.parametrize(
    ("setting", "given", "words"),
    [
        ("eval__lrr", {"low": 0.1, "high": 1.0}, "did you mean eval.lr, "),
        ("eval__lr", {"low": 1.0, "high": 0.1}, "expected low < high"),
        ("eval__lr", {"low": 0.0, "high": 0.1, "log": True}, "low > 0 with log"),
        ("eval__lr", {"low": 0.1}, "expected numbers low and high"),
        ("eval__lr", {"low": 0.1, "hight": 1.0}, "did you mean high?"),
        ("eval__lr", {"low": 0.1, "high": 1.0, "per": "layer"}, "differ by layer"),
        ("eval__multipliers__q", {"low": 0.1, "high": 1.0, "per": "half"}, 'expected "layer", "third" or "all"'),
        ("eval__lr", [], "expected a list of values"),
        ("eval__lr", 0.1, "expected low and high, choices, or a list"),
    ],
)
def test_what_is_no_range_is_named(setting: str, given: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        parameters(**{setting: given})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_ends_of_a_range_that_no_recipe_can_have_are_found_before_anything_runs() -> None:
    space = parameters(eval__chunk={"low": 64, "high": 4096})
    with pytest.raises(InputError, match=r"eval\.chunk = 4096"):
        check_space(space, BASE, RECIPE, "test")
    check_space(parameters(eval__chunk={"low": 64, "high": 1024}), BASE, RECIPE, "test")


ROUND = {
    "eval.lr": {"low": 1e-4, "high": 1e-1, "log": True},
    "eval.epochs": {"low": 1, "high": 5, "step": 2},
    "eval.weight_decay": {"low": 0.0, "high": 0.5, "step": 0.25},
    "eval.multipliers.q": {"low": 0.1, "high": 4.0, "per": "layer"},
    "eval.multipliers.v": {"low": 0.1, "high": 4.0, "log": True, "per": "third"},
    "eval.multipliers.k": {"low": 0.1, "high": 4.0, "per": "all"},
    "eval.multipliers.head": {"low": 0.1, "high": 4.0},
    "eval.adapters": [["q"], ["q", "v", "head"]],
    "eval.length_blind": [True, False],
    "eval.schedule": ["constant", "cosine"],
    "eval.betas": [[0.9, 0.95], [0.8, 0.9]],
    "eval.ranks.head": {"low": 2, "high": 32, "log": True},
}


@settings(derandomize=True, deadline=None, max_examples=30)
@given(st.integers(0, 10_000))
def test_what_a_trial_draws_is_what_its_recipe_has(seed: int) -> None:
    space = parse_space(ROUND, RECIPE, "test")
    distributions = {name: parameter.distribution for name, parameter in space.items()}
    search = Search(distributions=distributions, sampler="random", trials=1, parallel=1, seed=seed)
    drawn = search.ask(0, {}, {})
    recipe = apply(space, drawn, BASE, RECIPE.train.model.num_layers, "test")
    # A trial that leaves everything out takes the recipe's own values: those drawn.
    assert resolve(space, {}, recipe, "test") == pytest.approx(drawn)
    assert resolve(space, drawn_settings(drawn), RECIPE, "test") == drawn
    assert recipe.train == RECIPE.train and recipe.quantize == RECIPE.quantize
    assert recipe.eval.chunk == RECIPE.eval.chunk


def drawn_settings(drawn: dict[str, Any]) -> dict[str, Any]:
    """As the file would write them out: choices as values, not as JSON."""
    return {name: json.loads(value) if isinstance(value, str) else value for name, value in drawn.items()}


@pytest.mark.parametrize("num_layers", [1, 2, 3, 10, 11])
def test_every_layer_is_in_one_third(num_layers: int) -> None:
    recipe = build_recipe({"train": {"model": {"num_layers": num_layers}}}, "test")
    table = {"eval.multipliers.o": {"low": 0.1, "high": 4.0, "per": "third"}}
    parts = [parameter.layers or () for parameter in parse_space(table, recipe, "test").values()]
    assert sorted(layer for part in parts for layer in part) == list(range(num_layers))
    assert len(parts) == min(3, num_layers)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_a_multiplier_per_layer_starts_from_the_recipes_own_by_layer() -> None:
    own = [0.5, 0.6, 0.7, 0.8, 0.9]
    recipe = build_recipe({**BASE, "eval": {"multipliers": {"q": own}}}, "test")
    layers = parse_space({"eval.multipliers.q": {"low": 0.1, "high": 4.0, "per": "layer"}}, recipe, "test")
    assert list(resolve(layers, {}, recipe, "test").values()) == own
    resolved = resolve(layers, {"eval": {"multipliers": {"q": 0.2, "q.3": 1.5}}}, recipe, "test")
    assert list(resolved.values()) == [0.2, 0.2, 0.2, 1.5, 0.2]


@pytest.mark.parametrize(
    ("space", "base", "words"),
    [
        ({"eval.epochs": {"low": 0, "high": 3}}, {}, r"eval\.epochs = 0"),
        ({"eval.epochs": {"low": 1.0, "high": 3.0}}, {}, r"eval\.epochs = "),
        ({"eval.lr": [0.1, "fast"]}, {}, r"eval\.lr = "),
        ({"eval.adapters": [["q"], ["q", "q"]]}, {}, "expected each kind once"),
        ({"train.steps": [10, 0]}, {}, r"train\.steps = 0"),
        ({"quantize.bits": {"low": 2, "high": 9}}, {}, r"quantize\.bits = 9"),
        ({"eval.multipliers.q": {"low": -1.0, "high": 1.0, "per": "third"}}, {}, r"eval\.multipliers\.q"),
        ({"eval.window": {"low": 64, "high": 512}}, {"eval": {"chunk": 128}}, r"eval\.window = 64"),
    ],
)
def test_a_value_that_no_recipe_can_have_is_found_at_every_end_and_choice(
    space: dict[str, Any], base: dict[str, Any], words: str
) -> None:
    recipe = build_recipe(base, "test")
    parameters = parse_space(space, recipe, "test")
    with pytest.raises(InputError, match=words) as error:
        check_space(parameters, base, recipe, "test")
    assert str(error.value).startswith("test: search.space, ")
    assert "\n" not in str(error.value)


def test_a_setting_that_is_no_whole_number_is_not_searched_in_whole_numbers() -> None:
    parsed = parameters(eval__multipliers__q={"low": 1, "high": 4})
    assert parsed["eval.multipliers.q"].distribution == FloatDistribution(1.0, 4.0)


@pytest.mark.parametrize("table", [{"low": 1, "high": 4, "step": 2}, {"low": 0.0, "high": 1.0, "step": 0.3}])
def test_a_step_that_misses_the_end_of_its_range_is_refused(table: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="step"):
        parameters(**{"eval__epochs" if isinstance(table["low"], int) else "eval__weight_decay": table})


def test_a_depth_that_varies_beside_multipliers_by_layer_is_refused() -> None:
    table = {"train.model.num_layers": [5, 6], "eval.multipliers.q": {"low": 0.1, "high": 1.0, "per": "layer"}}
    with pytest.raises(InputError, match="num_layers"):
        check_space(parse_space(table, RECIPE, "test"), BASE, RECIPE, "test")


@pytest.mark.parametrize(
    ("space", "first"),
    [
        ({"train.steps": [10, 20]}, {}),
        ({"eval.chunk": [64, 128]}, {}),
        ({"eval.chunk": [64, 128]}, {"eval": {"chunk": 100}}),
        ({"eval.ranks": [{"head": 4}, {"head": 8}]}, {}),
    ],
)
def test_a_choice_that_is_none_is_refused_in_one_line(space: dict[str, Any], first: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="outside its range"):
        resolve(parse_space(space, RECIPE, "test"), first, RECIPE, "test")


@pytest.mark.parametrize("setting", every_setting())
def test_every_setting_can_be_searched_or_is_refused_in_one_line(setting: str) -> None:
    try:
        parse_space({setting: {"low": 1, "high": 2}}, RECIPE, "test")
    except InputError as error:
        assert len(error.problems) == 1


def test_a_choice_that_is_a_table_can_be_written_out() -> None:
    space = parse_space({"eval.ranks": [{"head": 4}, {"head": 8}]}, RECIPE, "test")
    assert resolve(space, {"eval": {"ranks": {"head": 8}}}, RECIPE, "test") == {"eval.ranks": '{"head": 8}'}
