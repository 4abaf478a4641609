"""Seconds of jobs from made-up samples and figures, exactly; and that more work never takes less."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.spec import Order
from jobs.stages.registry import stage_of
from jobs.stages.request import DocumentSet
from sweeps.planning.durations import Durations, Estimate
from sweeps.spec.orders import OrderBook
from sweeps.spec.recipe import Recipe, build_recipe
from sweeps.speed.estimates import SpeedEstimates, scale
from sweeps.speed.nominal import AUDIT_SECONDS, AUDIT_SHARE, CORE_SHARE, GPU_FLOPS, START_SECONDS, USUAL_CORE
from sweeps.speed.samples import Sample, Speed
from tests.sweeps.made_up_world import DATA, MACHINE
from tests.sweeps.orders import ARTIFACT, audit, evaluate, quantize, train

BOOK = OrderBook(sweep="s", priority=0, data=DATA, machine=MACHINE, options={"audit": {"seconds": 8.0}})
LENGTHS = (100, 300, 50, 700)
MODEL = {"num_layers": 2, "model_dim": 16, "num_heads": 2, "num_kv_heads": 1, "mlp_hidden": 24}
CORE = USUAL_CORE


def recipe(steps: int = 100, epochs: int = 1, **evaluation: Any) -> Recipe:
    training = {"gpus": 2, "steps": steps, "batch_tokens": 512, "seq_len": 128, "model": MODEL}
    return build_recipe({"train": training, "eval": {"gpus": 1, "epochs": epochs, **evaluation}}, "")


def known(*samples: Sample, core: float = CORE) -> Durations:
    speed = SpeedEstimates(Speed(samples=samples, core_flops=core), MACHINE.device)
    made = Durations([], MACHINE.device, lambda split: LENGTHS, {}, speed=speed)
    made.learn(quantize(BOOK, recipe()).job, {"artifact": ARTIFACT})
    return made


def sample(order: Order, seconds: float, **clocks: float) -> Sample:
    stage, sizes = stage_of(order.job), known()
    work = {clock: stage.work(order, clock, sizes) for clock in clocks}
    return Sample(job=order.job, slots=order.slots, seconds=seconds, clocks=clocks, work=work)


def test_a_training_goes_on_at_the_pace_of_its_first_steps() -> None:
    first = sample(train(BOOK, recipe(steps=10)), 7.0, train_seconds=2.0)
    slow = known(first, core=1.0)  # a core that does nothing: the pace of the sample counts
    assert slow.of(train(BOOK, recipe(steps=10))) == Estimate(seconds=7.0, source="measured")
    assert slow.of(train(BOOK, recipe(steps=40))).seconds == pytest.approx(5.0 + 8.0)
    assert slow.of(train(BOOK, recipe(steps=5))).seconds == pytest.approx(5.0 + 1.0)


def test_more_work_goes_at_half_the_usual_rate_at_least() -> None:
    assert scale(4.0, own=10.0, work=30.0, least_rate=0.0) == 12.0
    assert scale(4.0, own=10.0, work=30.0, least_rate=5.0) == 4.0 + 20.0 / 5.0
    assert scale(4.0, own=10.0, work=5.0, least_rate=5.0) == 2.0
    assert scale(4.0, own=0.0, work=5.0, least_rate=5.0) == 4.0
    assert scale(4.0, own=10.0, work=0.0, least_rate=5.0) == 4.0


def test_of_several_samples_the_most_similar_counts_and_all_overheads() -> None:
    one, none = evaluate(BOOK, recipe()), evaluate(BOOK, recipe(preset="none"))
    estimates = known(sample(one, 9.0, eval_seconds=8.0), sample(none, 4.0, eval_seconds=1.0))
    assert estimates.of(one).seconds == pytest.approx(8.0 + 2.0)  # overheads of 1 s and 3 s
    assert estimates.of(evaluate(BOOK, recipe(lr=0.5))).seconds == pytest.approx(8.0 + 2.0)
    assert estimates.of(none).seconds == pytest.approx(1.0 + 2.0)
    assert estimates.start_seconds == 1.0


def test_what_was_not_measured_is_guessed_of_a_core_or_of_a_gpu() -> None:
    order = train(BOOK, recipe())
    work = stage_of(order.job).work(order, "train_seconds", known())
    guess = START_SECONDS["cpu"][True] + work / (CORE_SHARE["train"] * CORE)
    assert known().of(order) == Estimate(seconds=pytest.approx(guess), source="guess")
    judged = START_SECONDS["cpu"][False] + AUDIT_SECONDS + AUDIT_SHARE * 8.0
    assert known().of(audit(BOOK, recipe())) == Estimate(seconds=pytest.approx(judged), source="guess")
    busy = known(core=CORE / 5).of(order).seconds  # starts and work take five times as long
    assert busy == pytest.approx(5 * guess)
    on_gpu = replace(order, job=replace(order.job, machine=replace(MACHINE, device="cuda NVIDIA H100 80GB HBM3")))
    seconds = SpeedEstimates(Speed(), "cuda NVIDIA H100 80GB HBM3").guessed(on_gpu, known())
    assert seconds == pytest.approx(START_SECONDS["cuda"][True] + work / GPU_FLOPS["train"])


def test_a_training_that_its_clock_ends_takes_that_long_whatever_the_machine() -> None:
    timed = build_recipe({"train": {"gpus": 2, "max_seconds": 60.0}}, "")
    assert known().of(train(BOOK, timed)).seconds == START_SECONDS["cpu"][True] + 60.0


def test_history_comes_before_samples_and_another_devices_samples_say_nothing() -> None:
    order = train(BOOK, recipe())
    far = sample(order, 7.0, train_seconds=2.0)
    far = replace(far, job=replace(far.job, machine=replace(MACHINE, device="another")))
    assert known(far).of(order).source == "guess"


@given(
    seconds=st.floats(0.01, 100),
    steps=st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    epochs=st.tuples(st.integers(1, 20), st.integers(1, 20)),
    core=st.floats(1e6, 1e12),
    measured=st.booleans(),
)
def test_more_steps_or_epochs_never_take_less(
    seconds: float, steps: tuple[int, int], epochs: tuple[int, int], core: float, measured: bool
) -> None:
    tune = DocumentSet(split="tune", count=1)
    samples = [
        sample(train(BOOK, recipe(steps=50)), seconds + 1, train_seconds=seconds),
        sample(evaluate(BOOK, recipe(), tune), seconds + 1, eval_seconds=seconds),
    ]
    estimates = known(*(samples if measured else ()), core=core)

    def training(number: int) -> float:
        return estimates.of(train(BOOK, recipe(steps=number))).seconds or 0.0

    def scoring(number: int) -> float:
        return estimates.of(evaluate(BOOK, recipe(epochs=number))).seconds or 0.0

    assert training(min(steps)) <= training(max(steps)) * (1 + 1e-12)
    assert scoring(min(epochs)) <= scoring(max(epochs)) * (1 + 1e-12)
