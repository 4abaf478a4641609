"""Recipes: presets, overrides and their keys."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from golf.presets import EVAL_PRESETS, TRAIN_PRESETS
from jobs.machine.environment import machine
from jobs.stages.request import DocumentSet
from sweeps.spec.dataset import DataSet
from sweeps.spec.file import load_sweep, parse_sweep
from sweeps.spec.orders import OrderBook
from sweeps.spec.recipe import build_recipe, override, parse_assignments
from tests.sweeps.orders import VAL, evaluate, quantize, train

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.toml"))


def test_a_preset_comes_first_and_other_keys_on_top() -> None:
    recipe = build_recipe({"eval": {"preset": "chimera-611", "epochs": 3}}, "test")
    assert (recipe.eval.protocol, recipe.eval.epochs, recipe.eval.nll_factor) == ("min-epoch", 3, 0.98)


def test_naming_a_preset_drops_what_was_tuned_but_not_the_machine() -> None:
    base = {"eval": {"lr": 0.5, "chunk": 64, "gpus": 3, "max_seconds": 9.0}, "train": {"muon_lr": 0.1}}
    changed = override(base, {"eval": {"preset": "lora-ttt", "epochs": 2}})
    assert changed == {
        "eval": {"preset": "lora-ttt", "epochs": 2, "gpus": 3, "max_seconds": 9.0},
        "train": {"muon_lr": 0.1},
    }
    recipe = build_recipe(changed, "test")
    assert (recipe.eval.lr, recipe.eval.chunk, recipe.eval.gpus) == (0.01, 256, 3)


def test_a_training_bounded_by_steps_has_no_clock_unless_one_is_named() -> None:
    assert build_recipe({"train": {"steps": 5}}, "test").train.max_seconds is None
    assert build_recipe({"train": {"steps": 5, "max_seconds": 60}}, "test").train.max_seconds == 60
    assert build_recipe({}, "test").train.max_seconds == 600


@pytest.mark.parametrize("name", TRAIN_PRESETS)
def test_every_training_preset_builds(name: str) -> None:
    build_recipe({"train": {"preset": name}}, "test")


@pytest.mark.parametrize("name", EVAL_PRESETS)
def test_every_evaluation_preset_builds(name: str) -> None:
    build_recipe({"eval": {"preset": name}}, "test")


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_every_example_is_a_sweep(path: Path) -> None:
    assert load_sweep(path).arms


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"eval": {"epoch": 1}}, "eval.epoch: unknown key; did you mean eval.epochs?"),
        ({"evel": {}}, "evel: unknown key; did you mean eval?"),
        ({"eval": {"multipliers": {"qq": 1.0}}}, "eval.multipliers.qq: unknown key"),
        ({"eval": {"lr": "high"}}, "eval.lr = 'high'"),
        ({"eval": {"lr": -1.0}}, "eval.lr = -1.0"),
        ({"eval": {"epochs": True}}, "eval.epochs = True"),
        ({"eval": {"epochs": 1.5}}, "eval.epochs = 1.5"),
        ({"eval": {"adapters": ["q", "x"]}}, 'unknown kind "x"'),
        ({"eval": 3}, "expected a table"),
        ({"train": {"preset": "chimera"}}, "did you mean chimera-611?"),
        ({"quantize": {"bits": 0}}, "quantize.bits"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_key(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as error:
        build_recipe(settings, "the file")
    assert words in str(error.value)
    assert str(error.value).startswith("the file: ")
    assert "\n" not in str(error.value)


def test_assignments_are_toml_values_or_bare_words() -> None:
    words = ["eval.lr=1e-3", "eval.preset=lora-ttt", "eval.adapters=['q']", "name=x", "train.model.num_layers = 2"]
    assert parse_assignments(words) == {
        "eval": {"lr": 1e-3, "preset": "lora-ttt", "adapters": ["q"]},
        "name": "x",
        "train": {"model": {"num_layers": 2}},
    }
    for bad in ("eval.lr", "=1", "a b=1"):
        with pytest.raises(InputError, match="expected key=value"):
            parse_assignments([bad])


def test_a_sweep_can_be_parsed_again_from_what_it_keeps() -> None:
    spec = load_sweep(EXAMPLES[0], ["eval.chunk=64"])
    reparsed = parse_sweep(spec.source, "store")
    assert reparsed == spec
    assert spec.recipe.eval.chunk == 64


# Keys: every setting is in that of its own stage and of no stage before.

DATA = DataSet(
    tokens=Path("/data"), tokenizer=Path("/data/t.model"), train_digest="t" * 64, val_digest="v" * 64,
    tokenizer_digest="p" * 64, vocab_size=1024, tuning_documents=8, val_documents=4,
)  # fmt: skip
BOOK = OrderBook(sweep="s", priority=0, data=DATA, machine=machine())


def keys(settings: dict[str, Any], seed: int = 1, book: OrderBook = BOOK, documents: DocumentSet = VAL) -> list[str]:
    recipe = build_recipe(settings, "test")
    orders = (
        train(book, recipe, seed),
        quantize(book, recipe, documents, seed),
        evaluate(book, recipe, documents, seed),
    )
    return [order.job.key for order in orders]


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"eval": {"lr": 0.5}}, (False, False, True)),
        ({"eval": {"multipliers": {"q": [1.0] * 11}}}, (False, False, True)),
        ({"eval": {"max_seconds": 1.0}}, (False, False, True)),
        ({"eval": {"gpus": 1}}, (False, False, True)),
        ({"quantize": {"bits": 5}}, (False, True, False)),
        ({"train": {"muon_lr": 0.5}}, (True, False, False)),
        ({"train": {"max_seconds": 60.0}}, (True, False, False)),
        ({"train": {"model": {"num_layers": 10}}}, (True, True, False)),
    ],
)
def test_a_setting_changes_the_key_of_its_own_stage(settings: dict[str, Any], changed: tuple[bool, ...]) -> None:
    assert tuple(a != b for a, b in zip(keys({}), keys(settings), strict=True)) == changed


def test_data_documents_seed_and_machine_are_in_the_keys_and_names_are_not() -> None:
    base = keys({})
    assert all(a != b for a, b in zip(base, keys({}, seed=2), strict=True))
    other = replace(BOOK, machine=replace(machine(), torch="1.0"))
    assert all(a != b for a, b in zip(base, keys({}, book=other), strict=True))
    assert keys({}, book=replace(BOOK, sweep="other", priority=9)) == base
    assert keys({}, documents=DocumentSet(split="val", count=2))[2] != base[2]
    assert keys({}, documents=DocumentSet(split="tune"))[2] != base[2]
    text = replace(BOOK, data=replace(DATA, val_digest="x" * 64))
    assert [a != b for a, b in zip(base, keys({}, book=text), strict=True)] == [False, True, True]
    moved = replace(BOOK, data=replace(DATA, tokens=Path("/elsewhere")))
    assert keys({}, book=moved) == base
