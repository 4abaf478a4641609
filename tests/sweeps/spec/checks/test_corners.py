"""Whatever the file check accepts, a job can build; whatever a job would refuse, the file check refuses."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from golf.artifact.container import check_model
from golf.errors import InputError
from golf.model.gpt import GPT
from golf.ttt.adapters import layout, rate_row
from jobs.stages.work.settings import settings_of
from sweeps.search.search import Search
from sweeps.spec.checks.corners import check_space, corner_recipes, largest
from sweeps.spec.recipe import SECTIONS, Recipe, build_recipe
from sweeps.spec.space import apply, parse_space

BASE: dict[str, Any] = {"train": {"gpus": 2, "model": {"num_layers": 3, "model_dim": 32, "num_heads": 4}}}
RECIPE = build_recipe(BASE, "base")
INTS = st.one_of(st.integers(-2, 70), st.sampled_from([256, 257, 1024, 4096, 2**20, 2**26, 2**31, 2**63, 10**30]))
FLOATS = st.one_of(st.floats(-1, 2), st.sampled_from([0.0, 1e-300, 1e9, 1e308]))
VALUES = st.fixed_dictionaries(
    {},
    optional={
        "train": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("gpus", "batch_tokens", "seq_len", "steps", "warmup_steps", "ema_every"), INTS),
                **dict.fromkeys(("muon_lr", "clip", "ema_decay", "prune"), FLOATS),
                "model": st.fixed_dictionaries(
                    {},
                    optional={
                        name: INTS
                        for name in ("num_layers", "model_dim", "num_heads", "num_kv_heads", "mlp_hidden", "vocab_size")
                    },
                ),
            },
        ),
        "eval": st.fixed_dictionaries(
            {},
            optional={
                **dict.fromkeys(("epochs", "chunk", "window", "gpus", "min_document_tokens"), INTS),
                **dict.fromkeys(("lr", "eps", "weight_decay", "nll_factor", "chunk_decay"), FLOATS),
                "multipliers": st.fixed_dictionaries(
                    {}, optional={"q": st.one_of(FLOATS, st.lists(FLOATS, max_size=4))}
                ),
                "ranks": st.fixed_dictionaries({}, optional={"q": INTS, "head": INTS}),
            },
        ),
    },
)


def run_job_checks(recipe: Recipe) -> None:
    """All that a recipe's jobs check and build before they compute, on a device without memory."""
    plain = recipe.settings()
    for section, kind in SECTIONS.items():
        settings_of(kind, plain[section])
    recipe.train.check_processes(recipe.train.gpus)
    check_model(recipe.train.model)
    with torch.device("meta"):
        model = GPT(recipe.train.model)
        rate_row(
            layout(model.config, recipe.eval.adapters, recipe.eval.ranks),
            recipe.eval.multipliers,
            model.config.num_layers,
        )


@settings(max_examples=80)
@given(VALUES)
def test_what_the_check_accepts_a_job_accepts(values: dict[str, Any]) -> None:
    try:
        recipe = build_recipe(values, "x")
    except InputError as error:
        assert all(line.startswith("x: ") and len(line.splitlines()) == 1 for line in error.problems)
        return
    run_job_checks(recipe)


@settings(max_examples=20)
@given(
    st.dictionaries(
        st.sampled_from(["train.gpus", "train.seq_len", "train.model.num_heads", "eval.chunk", "eval.window"]),
        st.one_of(
            st.lists(st.integers(1, 2048), min_size=1, max_size=4, unique=True),
            st.tuples(st.integers(1, 64), st.integers(65, 2048)).map(lambda ends: {"low": ends[0], "high": ends[1]}),
        ),
        min_size=1,
    ),
    st.integers(0, 1000),
)
def test_no_trial_of_an_accepted_space_is_refused(table: dict[str, Any], seed: int) -> None:
    try:
        space = parse_space(table, RECIPE, "x")
        check_space(space, BASE, RECIPE, "x")
    except InputError:
        return
    distributions = {name: parameter.distribution for name, parameter in space.items()}
    search = Search(distributions=distributions, sampler="random", trials=8, parallel=1, seed=seed)
    for number in range(8):
        run_job_checks(apply(space, search.ask(number, {}, {}), BASE, 3, "x"))


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"train.gpus": [2, 5]}, "search.space, train.gpus = '5': train.batch_tokens = 786432: must be a multiple"),
        ({"train.model.num_heads": {"low": 4, "high": 8}}, "train.model.num_heads = 5: train.model.model_dim = 32"),
        ({"train.model.mlp_hidden": {"low": 8, "high": 2**24}}, "weights; an artifact has at most"),
        ({"eval.chunk": [256, 512], "eval.window": [512, 256]}, "eval.chunk = '512', eval.window = '256'"),
        ({"train.model.vocab_size": [1024, 2048]}, "must be the tokenizer's"),
    ],
)
def test_a_trial_that_could_never_run_is_refused_with_its_values(table: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        check_space(parse_space(table, RECIPE, "x"), BASE, RECIPE, "x")
    assert words in str(error.value)


def test_corners_of_a_space_are_recipes_and_the_largest_is_known() -> None:
    space = parse_space({"train.gpus": [2, 4], "eval.epochs": {"low": 1, "high": 3}}, RECIPE, "x")
    recipes = dict(corner_recipes(space, BASE, RECIPE))
    assert [(recipe.train.gpus, recipe.eval.epochs) for recipe in recipes.values()] == [(2, 1), (4, 1), (2, 2), (2, 3)]
    assert (largest(space, "train.gpus"), largest(space, "eval.gpus")) == (4, 0)
