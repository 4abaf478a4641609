"""The search space: settings by name, depth in parts, and no trial that cannot be built."""

from typing import Any

import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from golf.errors import InputError
from sweeps.recipe import build_recipe
from sweeps.space import apply, parse_space, probe, resolve, settings_of

BASE: dict[str, Any] = {"train": {"model": {"num_layers": 5}}, "eval": {"lr": 0.02}}
RECIPE = build_recipe(BASE, "test")


def parameters(**space: Any) -> dict[str, Any]:
    return dict(parse_space({name.replace("__", "."): given for name, given in space.items()}, RECIPE, "test"))


def test_ranges_become_distributions_of_their_kind() -> None:
    found = parameters(
        eval__lr={"low": 1e-4, "high": 1, "log": True},
        eval__epochs={"low": 1, "high": 5},
        eval__weight_decay={"low": 0, "high": 0.5, "step": 0.1},
        eval__chunk=[64, 128],
    )
    assert found["eval.lr"].distribution == FloatDistribution(1e-4, 1.0, log=True)
    assert found["eval.epochs"].distribution == IntDistribution(1, 5)
    assert found["eval.weight_decay"].distribution.step == 0.1
    assert found["eval.chunk"].distribution.choices == ("64", "128")


def test_a_multiplier_varies_by_layer_by_third_or_for_all() -> None:
    given = {"low": 0.1, "high": 4.0}
    by_layer = parameters(eval__multipliers__q={**given, "per": "layer"})
    assert list(by_layer) == [f"eval.multipliers.q.{layer}" for layer in range(5)]
    thirds = parameters(eval__multipliers__q={**given, "per": "third"})
    # ⌊3·l/5⌋ of layers 0 … 4 is 0 0 1 1 2.
    assert [one.layers for one in thirds.values()] == [(0, 1), (2, 3), (4,)]
    drawn = {name: index + 1.0 for index, name in enumerate(thirds)}
    assert settings_of(thirds, drawn, 5) == {"eval": {"multipliers": {"q": [1.0, 1.0, 2.0, 2.0, 3.0]}}}
    recipe = apply(thirds, drawn, BASE, "test")
    assert recipe.eval.multipliers.q == (1.0, 1.0, 2.0, 2.0, 3.0)
    assert recipe.eval.lr == 0.02


def test_lists_and_tables_can_be_choices() -> None:
    kinds = parameters(eval__adapters=[["q", "v"], ["q", "k", "v", "head"]])
    recipe = apply(kinds, {"eval.adapters": '["q", "v"]'}, BASE, "test")
    assert recipe.eval.adapters == ("q", "v")


def test_a_trial_that_the_file_writes_out_is_completed_from_the_recipe() -> None:
    space = parameters(
        eval__lr={"low": 1e-4, "high": 1.0, "log": True},
        eval__multipliers__q={"low": 0.1, "high": 4.0, "per": "third"},
        eval__chunk=[64, 256],
    )
    found = resolve(space, {"eval": {"multipliers": {"q": 2}}}, RECIPE, "test")
    thirds = {f"eval.multipliers.q.{third}": 2.0 for third in ("first", "middle", "last")}
    assert found == {"eval.lr": 0.02, **thirds, "eval.chunk": "256"}
    with pytest.raises(InputError, match="outside its range"):
        resolve(space, {"eval": {"lr": 2.0}}, RECIPE, "test")
    with pytest.raises(InputError, match=r"eval\.lrr: unknown key; did you mean eval\.lr\?"):
        resolve(space, {"eval": {"lrr": 0.1}}, RECIPE, "test")


@pytest.mark.parametrize(
    ("setting", "given", "words"),
    [
        ("eval__lrr", {"low": 0.1, "high": 1.0}, "did you mean eval.lr?"),
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
        probe(space, BASE, "test")
    probe(parameters(eval__chunk={"low": 64, "high": 1024}), BASE, "test")
