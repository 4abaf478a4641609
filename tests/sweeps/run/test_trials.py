"""What tells one search from another, and how its trials rank."""

from dataclasses import replace
from typing import Any, cast

import pytest

from jobs.spec import ARITHMETIC
from sweeps.run.trials import ranking, search_digest
from sweeps.spec.orders import Stages
from tests.sweeps.made_up_world import (
    DATA,
    FILE,
    MACHINE,
    SEARCH,
    spec_of,
)

STAGES = Stages(sweep="made-up", priority=0, data=DATA, machine=MACHINE)


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
    assert search_digest(spec_of(**changes), STAGES) != search_digest(spec_of(), STAGES)


@pytest.mark.parametrize(
    "stages",
    [
        replace(STAGES, machine=replace(MACHINE, device="cuda NVIDIA H100 80GB HBM3")),
        replace(STAGES, data=replace(DATA, train_digest="u" * 64)),
        replace(STAGES, data=replace(DATA, tokenizer_digest="p" * 64)),
        replace(STAGES, data=replace(DATA, tuning_documents=8)),
    ],
    ids=["machine", "tokens", "tokenizer", "held out"],
)
def test_other_data_or_another_machine_make_another_search(stages: Stages) -> None:
    assert search_digest(spec_of(), stages) != search_digest(spec_of(), STAGES)


def test_a_search_of_the_first_version_is_found_again() -> None:
    first = "7c31fe4d6560feb4e816ee78e99e97d185da800db52af5631631bd65d2164902"
    assert search_digest(spec_of(), STAGES) == first


def test_another_arithmetic_makes_another_search(monkeypatch: pytest.MonkeyPatch) -> None:
    before = search_digest(spec_of(), STAGES)
    monkeypatch.setitem(cast(dict[str, int], ARITHMETIC), "eval", 1000)
    assert search_digest(spec_of(), STAGES) != before


def test_what_decides_no_trial_leaves_the_search_as_it_is() -> None:
    changes: dict[str, Any] = {"priority": 3, "confirm": {"top": 2}, "arm": [], "rules": "strict"}
    search = {**SEARCH, "promote": {"top": 1, "documents": 9}, "trials": 30}
    assert search_digest(spec_of(**changes, search=search), STAGES) == search_digest(spec_of(), STAGES)


def test_of_equals_the_earlier_ranks_first_and_failures_do_not_rank() -> None:
    assert ranking({3: 1.0, 1: 1.0, 2: None, 0: 2.0}) == [1, 3, 0]
