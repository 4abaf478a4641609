"""Keys of a recipe's jobs: each setting there is, in the key of its own stage and of no other."""

from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from golf.artifact.packing import QuantizeConfig
from golf.model.gpt import ModelConfig
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig
from jobs.spec import Machine, Order
from jobs.stages.request import DocumentSet
from sweeps.spec.dataset import DataSet
from sweeps.spec.orders import OrderBook
from sweeps.spec.recipe import NEWER, Recipe, build_recipe
from tests.sweeps.orders import VAL, audit, evaluate, quantize, train

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
DATA = DataSet(
    tokens=Path("/tokens"), tokenizer=Path("/tokenizer"), train_digest="t" * 64, val_digest="v" * 64,
    tokenizer_digest="k" * 64, vocab_size=1024, tuning_documents=16, val_documents=10,
)  # fmt: skip
BOOK = OrderBook(sweep="s", priority=1, data=DATA, machine=MACHINE, options={"audit": {"seconds": 9.0}})
RECIPE = Recipe(train=TrainConfig(), quantize=QuantizeConfig(), eval=EvalConfig())
ZSTD = QuantizeConfig(codec="zstd")
"""Has every setting that a quantizer can have."""
TUNE = DocumentSet(split="tune", count=4)


def orders(recipe: Recipe = RECIPE, seed: int = 1, book: OrderBook = BOOK, row: str = "row") -> list[Order]:
    """Training, quantization, an evaluation on tuning documents, one on the validation set; inputs held fixed."""
    return [
        train(book, recipe, seed),
        quantize(book, recipe, TUNE, seed),
        evaluate(book, recipe, TUNE, seed, row),
        evaluate(book, recipe, VAL, seed, row),
    ]


def changed(**arguments: Any) -> list[bool]:
    """Which of the four keys are not what they were."""
    pairs = zip(orders(), orders(**arguments), strict=True)
    return [before.job.key != after.job.key for before, after in pairs]


OTHER: dict[str, Any] = {
    "attention": "sdpa", "precision": "bfloat16",
    "alpha": 2.0,
    "chunk_decay": 0.5,
    "num_heads": 4, "num_kv_heads": 2, "model_dim": 256, "batch_tokens": 1024, "seq_len": 512, "betas": (0.5, 0.6),
    "steps": 10, "protocol": "min-epoch", "schedule": "cosine", "adapters": ("q",), "bits": 5, "level": 3,
    "codec": "ans",
    "muon_momentum": 0.5, "muon_momentum_start": 0.5, "ema_decay": 0.5, "prune": 0.5, "swa_below": 0.5,
    "min_document_tokens": 3, "chunk": 128, "window": 512,
}  # fmt: skip
"""Another value of settings whose own cannot simply be moved by one."""


def variants(config: Any) -> list[tuple[str, Any]]:
    """The configuration with each of its settings changed by itself."""
    changed: list[tuple[str, Any]] = []
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            changed += [
                (f"{field.name}.{name}", replace(config, **{field.name: inner})) for name, inner in variants(value)
            ]
            continue
        changed.append((field.name, replace(config, **{field.name: another(field.name, value)})))
    return changed


def another(name: str, value: Any) -> Any:
    if name in OTHER:
        return OTHER[name]
    return not value if isinstance(value, bool) else value + 1


def name_of(part: Any) -> str:
    return part if isinstance(part, str) else ""


@pytest.mark.parametrize(("name", "config"), variants(TrainConfig()), ids=name_of)
def test_a_setting_of_the_training_changes_its_key(name: str, config: TrainConfig) -> None:
    shape = name.startswith("model.")
    assert changed(recipe=replace(RECIPE, train=config)) == [True, shape, False, False]


@pytest.mark.parametrize(("name", "config"), variants(ZSTD), ids=name_of)
def test_a_setting_of_the_quantizer_leaves_the_training_alone(name: str, config: QuantizeConfig) -> None:
    before = orders(replace(RECIPE, quantize=ZSTD))
    after = orders(replace(RECIPE, quantize=config))
    assert [order.job.key != other.job.key for order, other in zip(before, after, strict=True)] == [
        False,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(("name", "config"), variants(EvalConfig()), ids=name_of)
def test_a_setting_of_test_time_training_costs_no_training_and_no_artifact(name: str, config: EvalConfig) -> None:
    assert changed(recipe=replace(RECIPE, eval=config)) == [False, False, True, True]


def test_settings_newer_than_stored_results_are_in_no_key_at_their_first_value() -> None:
    """So that what an earlier version has finished is found again."""
    for section, settings in NEWER.items():
        assert not settings.keys() & RECIPE.settings()[section].keys()
    other = replace(RECIPE, eval=replace(RECIPE.eval, precision="float32"))
    assert other.settings()["eval"]["precision"] == "float32"


def test_a_seed_changes_every_key() -> None:
    assert changed(seed=2) == [True] * 4


@pytest.mark.parametrize("name", ["device", "dtype", "torch", "attention", "threads"])
def test_the_machine_class_changes_every_key(name: str) -> None:
    other: Any = 9 if name == "threads" else "other"
    assert changed(book=replace(BOOK, machine=replace(MACHINE, **{name: other}))) == [True] * 4


def test_an_audit_is_known_by_how_its_recipe_scores_by_the_artifact_and_by_its_budget() -> None:
    order = audit(BOOK, RECIPE)
    assert audit(BOOK, RECIPE, entry="another row").job.key == order.job.key
    others = (
        audit(BOOK, replace(RECIPE, eval=replace(RECIPE.eval, lr=0.5))),
        audit(BOOK, RECIPE, artifact="b" * 64),
        audit(replace(BOOK, options={"audit": {"seconds": 8.0}}), RECIPE),
    )
    assert len({each.job.key for each in (order, *others)}) == 4
    assert (order.label, order.slots, order.job.stage) == (f"audit row seed {order.job.seed}", 1, "audit")
    assert order.job.settings["documents"]["split"] == "val"
    # What has a place is not looked for in the file store.
    assert order.job.inputs.keys() - order.places.keys() == {"artifact"}


def test_names_priorities_labels_and_places_change_no_key() -> None:
    assert changed(row="another row") == [False] * 4
    assert changed(book=replace(BOOK, sweep="another", priority=7)) == [False] * 4
    moved = replace(DATA, tokens=Path("/elsewhere"), tokenizer=Path("/elsewhere"), val_documents=99)
    assert changed(book=replace(BOOK, data=moved)) == [False] * 4


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        ({"train_digest": "x" * 64}, [True, True, True, False]),
        ({"val_digest": "x" * 64}, [False, False, False, True]),
        ({"tokenizer_digest": "x" * 64}, [False, True, True, True]),
    ],
)
def test_a_job_is_known_by_the_text_that_it_reads(data: dict[str, str], keys: list[bool]) -> None:
    assert changed(book=replace(BOOK, data=replace(DATA, **data))) == keys


def test_documents_that_are_held_out_are_in_the_key_of_what_reads_the_training_stream() -> None:
    trained, quantized, tuned, _ = changed(book=replace(BOOK, data=replace(DATA, tuning_documents=8)))
    assert (trained, quantized, tuned) == (True, True, True)


def test_other_documents_or_inputs_are_another_job() -> None:
    sets = [TUNE, VAL, DocumentSet(split="tune", count=5), DocumentSet(split="tune"), DocumentSet(split="val", count=4)]
    keys = {evaluate(BOOK, RECIPE, documents).job.key for documents in sets}
    keys |= {evaluate(BOOK, RECIPE, artifact="b" * 64).job.key}
    assert len(keys) == 6
    assert quantize(BOOK, RECIPE, weights="b" * 64).job.key != quantize(BOOK, RECIPE).job.key


def test_an_artifact_is_held_against_its_weights_on_the_text_that_its_row_is_scored_on() -> None:
    sets = TUNE, DocumentSet(split="tune"), VAL
    sample, other, whole = (quantize(BOOK, RECIPE, documents).job for documents in sets)
    assert sample == other
    assert (sample.settings["documents"]["split"], sample.settings["documents"]["count"]) == ("tune", 4)
    assert (whole.settings["documents"]["count"], whole.settings["tokens"]) == (None, None)
    assert (sample.inputs["tokens"], whole.inputs["tokens"]) == (DATA.train_digest, DATA.val_digest)


def test_one_value_written_in_two_ways_is_one_job() -> None:
    def keys(settings: dict[str, Any]) -> list[str]:
        return [order.job.key for order in orders(build_recipe(settings, "test"))]

    written = {"train": {"preset": "golf", "clip": 1}, "eval": {"lr": 1, "multipliers": {"q": 2}}}
    assert keys(written) == keys({"train": {"clip": 1.0}, "eval": {"lr": 1.0, "multipliers": {"q": 2.0}}})
    default = {"train": {"model": {"num_layers": ModelConfig().num_layers}}, "eval": {"preset": "score-first"}}
    assert keys(default) == keys({})


def test_an_order_says_how_wide_it_is_what_it_is_called_and_where_its_inputs_lie() -> None:
    recipe = replace(RECIPE, train=replace(RECIPE.train, gpus=4), eval=replace(RECIPE.eval, gpus=2))
    trained, quantized, tune, val = orders(recipe, seed=7)
    assert [order.slots for order in (trained, quantized, tune, val)] == [4, 1, 2, 2]
    assert [order.job.machine.processes for order in (trained, quantized, tune, val)] == [4, 1, 2, 2]
    assert [order.label for order in (trained, quantized, val)] == ["train seed 7", "quantize seed 7", "row seed 7"]
    assert trained.places == {"tokens": "/tokens"}
    assert set(quantized.job.inputs) == {"weights", "tokens", "tokenizer"}
    assert quantized.places == val.places == {"tokens": "/tokens", "tokenizer": "/tokenizer"}
    assert set(val.job.inputs) == {"artifact", "tokens", "tokenizer"}


def test_a_sweeps_priority_outweighs_what_waits_within_it() -> None:
    def priorities(priority: int) -> list[tuple[int, bool]]:
        return [(order.priority, order.awaited) for order in orders(book=replace(BOOK, priority=priority))]

    trained, quantized, tune, val = priorities(1)
    assert trained == quantized == tune > val
    assert min(priorities(2)) > max(priorities(1))
    assert max(priorities(-1)) < min(priorities(0))


KEYS = {
    "train": "328bd7105b44f6a1a87971fb6872d661134652b0aadfbb73811fd3b960a319d8",
    "quantize for a search": "7bf938cd73820c54af45d02bb0eee26058b6a25a64c6ad2f25d7d025beaeb81f",
    "quantize": "48b3010f54c4bc051713550d083ecfb9bb4cdfaf8b64be99dedd0eed7e22cb54",
    "eval for a search": "c03c3489a926f92116e160660e27cb6ab250aadc6bd22981795961a18275c715",
    "eval": "b391fd42513c83d658f5738681b9d6b1a5d394c758c2ee46812dff9aee9b694c",
    "audit": "dfdeef3a3cee916eedeea9e7d2f6ffb8ad16ea1011accb4088089aec8c33f885",
}
"""Of the first version that was used (for the audit, of its version 4): work in people's homes is found by them."""


def test_keys_are_those_of_the_first_version() -> None:
    trained, sampled, tuned, scored = orders()
    by_name = {
        "train": trained,
        "quantize for a search": sampled,
        "quantize": quantize(BOOK, RECIPE),
        "eval for a search": tuned,
        "eval": scored,
        "audit": audit(BOOK, RECIPE),
    }
    assert {name: order.job.key for name, order in by_name.items()} == KEYS
