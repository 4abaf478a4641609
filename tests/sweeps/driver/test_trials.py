"""What tells one search from another, and how its trials rank."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.stages import registry
from jobs.stages.evaluate import EVALUATE
from sweeps.driver.trials import ranking, search_digest
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import OrderBook
from tests.sweeps.made_up_world import (
    DATA,
    FILE,
    MACHINE,
    SEARCH,
    spec_of,
)

ORDERS = OrderBook(sweep="made-up", priority=0, data=DATA, machine=MACHINE)


def digest(spec: SweepSpec, orders: OrderBook = ORDERS) -> str:
    return search_digest(spec, orders)


@pytest.mark.parametrize(
    "changes",
    [
        {"search": {**SEARCH, "documents": 5}},
        {"search": {**SEARCH, "seed": 1}},
        {"search": {**SEARCH, "sampler": "random"}},
        {"search": {**SEARCH, "parallel": 4}},
        {"search": {**SEARCH, "first": []}},
        {"search": {**SEARCH, "space": {"eval.lr": {"low": 1e-4, "high": 1e-1}}, "first": []}},
        {"seeds": {"tune": [2, 1], "confirm": [3, 4]}},
        {"recipe": {**FILE["recipe"], "quantize": {"bits": 5}}},
    ],
)
def test_whatever_decides_a_trial_or_its_value_makes_another_search(changes: dict[str, Any]) -> None:
    assert digest(spec_of(**changes)) != digest(spec_of())


@pytest.mark.parametrize(
    "orders",
    [
        replace(ORDERS, machine=replace(MACHINE, device="cuda NVIDIA H100 80GB HBM3")),
        replace(ORDERS, data=replace(DATA, train_digest="u" * 64)),
        replace(ORDERS, data=replace(DATA, tokenizer_digest="p" * 64)),
        replace(ORDERS, data=replace(DATA, tuning_documents=8)),
    ],
    ids=["machine", "tokens", "tokenizer", "held out"],
)
def test_other_data_or_another_machine_make_another_search(orders: OrderBook) -> None:
    assert digest(spec_of(), orders) != digest(spec_of())


def test_a_search_of_the_first_version_is_found_again() -> None:
    first = "7c31fe4d6560feb4e816ee78e99e97d185da800db52af5631631bd65d2164902"
    assert digest(spec_of()) == first


def test_another_arithmetic_makes_another_search(monkeypatch: pytest.MonkeyPatch) -> None:
    before = digest(spec_of())
    stages = [replace(stage, version=1000) if stage is EVALUATE else stage for stage in registry.STAGES]
    monkeypatch.setattr(registry, "STAGES", tuple(stages))
    assert digest(spec_of()) != before


def test_what_decides_no_trial_leaves_the_search_as_it_is() -> None:
    changes: dict[str, Any] = {"priority": 3, "confirm": {"top": 2}, "arm": [], "rules": "strict"}
    search = {**SEARCH, "promote": {"top": 2, "documents": 9}, "trials": 30}
    assert digest(spec_of(**changes, search=search)) == digest(spec_of())


def test_of_equals_the_earlier_ranks_first_and_failures_do_not_rank() -> None:
    assert ranking({3: 1.0, 1: 1.0, 2: None, 0: 2.0}) == [1, 3, 0]
