"""Estimates from a history that obeys the model exactly."""

from dataclasses import replace
from typing import Any

import pytest

from golf.flops import document_flops
from jobs.spec import Order
from jobs.stages.request import DocumentSet
from jobs.store import JobRecord
from sweeps.planning.durations import Durations, Estimate
from sweeps.spec.orders import OrderBook
from sweeps.spec.recipe import Recipe, build_recipe
from tests.sweeps.made_up_world import DATA, MACHINE
from tests.sweeps.orders import ARTIFACT, evaluate, quantize, train
from tests.sweeps.planning.test_similar_jobs import done

LENGTHS = {"tune": (100, 300, 50, 700), "val": (1000, 2000, 30)}
BOOK = OrderBook(sweep="s", priority=0, data=DATA, machine=MACHINE)
TUNE = DocumentSet(split="tune")


def recipe(training: dict[str, Any] | None = None, evaluation: dict[str, Any] | None = None) -> Recipe:
    return build_recipe(
        {"train": {"gpus": 2, "steps": 100, **(training or {})}, "eval": {"gpus": 1, **(evaluation or {})}}, ""
    )


def finished(order: Order, seconds: float, **clocks: float) -> JobRecord:
    return replace(done(order.job), order=order, seconds=seconds, outputs={"clocks": clocks, "artifact": ARTIFACT})


def durations(*history: JobRecord, device: str = MACHINE.device, **scheduler_of: str) -> Durations:
    return Durations(history, device, lambda split: LENGTHS[split], scheduler_of)


def test_a_training_takes_its_overhead_and_as_long_a_step_as_before() -> None:
    history = [finished(train(BOOK, recipe(), seed), 15.0 + seed, train_seconds=10.0 + seed) for seed in (0, 1, 2)]
    known = durations(*history)
    assert known.of(train(BOOK, recipe(), 9)) == Estimate(seconds=16.0, source="history")
    assert known.of(train(BOOK, recipe({"steps": 300}), 9)).seconds == pytest.approx(5 + 33.0)
    assert known.of(train(BOOK, recipe({"gpus": 4}), 9)).seconds == pytest.approx(5 + 5.5)


def test_a_training_that_its_clock_ends_takes_no_longer_than_that() -> None:
    known = durations(finished(train(BOOK, recipe(), 1), 15.0, train_seconds=10.0))
    assert known.of(train(BOOK, recipe({"steps": 300, "max_seconds": 20.0}), 1)).seconds == 25.0
    assert known.of(train(BOOK, recipe({"steps": 100, "max_seconds": 20.0}), 1)).seconds == 15.0
    clock_bound = build_recipe({"train": {"gpus": 2, "max_seconds": 60.0}}, "")
    assert known.of(train(BOOK, clock_bound, 1)).seconds == 65.0


def evaluation(count: int | None, settings: dict[str, Any] | None = None, split: str = "tune") -> Order:
    documents = DocumentSet(split=split, count=count)  # type: ignore[arg-type]
    return evaluate(BOOK, recipe(evaluation=settings), documents)


def test_an_evaluation_takes_as_long_an_operation_as_before() -> None:
    quantized = finished(quantize(BOOK, recipe(), TUNE), 3.0, quantize_seconds=1.0, loss_seconds=0.0)
    known = durations(quantized, finished(evaluation(2), 9.0, eval_seconds=8.0))
    own = recipe()
    flops = {length: document_flops(length, own.eval, own.train.model) for length in (100, 300, 50, 700)}
    ratio = sum(flops.values()) / (flops[100] + flops[300])
    assert known.of(evaluation(4)).seconds == pytest.approx(1 + 8 * ratio)
    thrice = replace(own.eval, epochs=3)
    more = sum(document_flops(length, thrice, own.train.model) for length in (100, 300)) / (flops[100] + flops[300])
    assert known.of(evaluation(2, {"epochs": 3})).seconds == pytest.approx(1 + 8 * more)
    assert known.of(evaluation(2, {"gpus": 2})).seconds == pytest.approx(1 + 4)


def test_the_most_alike_decide() -> None:
    slow, fast = (
        finished(evaluation(2, {"lr": 0.5}), 9.0, eval_seconds=9.0),
        finished(evaluation(2), 3.0, eval_seconds=3.0),
    )
    assert durations(slow, fast).of(evaluation(2)).seconds == 3.0


def test_another_devices_history_says_nothing() -> None:
    order = train(BOOK, build_recipe({"train": {"max_seconds": 60.0}}, ""), 1)
    known = durations(finished(order, 15.0, train_seconds=10.0), device="another")
    assert known.of(order) == Estimate(seconds=60.0, source="limit")
    assert known.of(train(BOOK, recipe(), 1)) == Estimate(seconds=None, source=None)
    assert known.of(quantize(BOOK, recipe(), TUNE)) == Estimate(seconds=None, source=None)


def test_the_limit_of_an_evaluation_is_for_the_whole_validation_set() -> None:
    known = durations()
    limited = {"max_seconds": 600.0}
    assert known.of(evaluation(2, limited)).seconds == 600.0
    known.learn(quantize(BOOK, recipe(), TUNE).job, {"artifact": ARTIFACT})
    own = recipe()

    def work(*lengths: int) -> float:
        return sum(document_flops(length, own.eval, own.train.model) for length in lengths)

    assert known.of(evaluation(2, limited)).seconds == pytest.approx(600 * work(100, 300) / work(*LENGTHS["val"]))
    assert known.of(evaluation(None, limited, "val")).seconds == 600.0


def test_the_start_of_a_worker_shows_as_its_schedulers_longest_overhead() -> None:
    orders = [evaluation(2, {"lr": lr}) for lr in (0.1, 0.2, 0.3, 0.4, 0.5)]
    overheads = [7.0, 1.0, 1.0, 1.0, 9.0]
    history = [finished(o, 2.0 + over, eval_seconds=2.0) for o, over in zip(orders, overheads, strict=True)]
    owners = dict(zip([job.key for job in history], "aaaab", strict=True))
    known = Durations(history, MACHINE.device, lambda split: LENGTHS[split], owners)
    assert known.start_seconds == 7.0  # between the 6 s of one and the 8 s of the other
    assert known.of(orders[0]).seconds == 3.0
