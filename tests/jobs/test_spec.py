"""A job's key: everything that changes a number is in it, nothing else is."""

import hashlib
from dataclasses import replace

import pytest

from jobs.spec import Job, Machine, Order
from jobs.state import FOLLOWS, JobState, may_follow

MACHINE = Machine(device="cpu AVX512", dtype="float32", torch="2.13", attention="sdpa", processes=2, threads=1)
JOB = Job(
    stage="eval",
    settings={"eval": {"lr": 0.01, "epochs": 2}, "documents": {"split": "val"}},
    inputs={"artifact": "a" * 64},
    seed=7,
    machine=MACHINE,
    arithmetic=1,
)


def test_the_key_is_the_digest_of_the_canonical_json() -> None:
    assert JOB.key == hashlib.sha256(JOB.canonical().encode()).hexdigest()
    assert Job.from_json(JOB.canonical()) == JOB
    assert '"replicate":0' in JOB.canonical()
    reordered = {"documents": {"split": "val"}, "eval": {"epochs": 2, "lr": 0.01}}
    assert replace(JOB, settings=reordered).key == JOB.key


@pytest.mark.parametrize(
    "other",
    [
        replace(JOB, stage="train"),
        replace(JOB, settings={"eval": {"lr": 0.01, "epochs": 3}, "documents": {"split": "val"}}),
        replace(JOB, inputs={"artifact": "b" * 64}),
        replace(JOB, seed=8),
        replace(JOB, arithmetic=2),
        replace(JOB, machine=replace(MACHINE, device="cpu AVX2")),
        replace(JOB, machine=replace(MACHINE, dtype="bfloat16")),
        replace(JOB, machine=replace(MACHINE, torch="2.12")),
        replace(JOB, machine=replace(MACHINE, attention="flash")),
        replace(JOB, machine=replace(MACHINE, processes=1)),
        replace(JOB, machine=replace(MACHINE, threads=2)),
    ],
)
def test_whatever_changes_a_number_changes_the_key(other: Job) -> None:
    assert other.key != JOB.key


def test_what_changes_no_number_is_not_in_the_key() -> None:
    order = Order(job=JOB, sweep="a", label="x")
    other = Order(job=JOB, sweep="b", label="y", slots=8, places={"tokens": "/data"}, priority=9)
    assert order.job.key == other.job.key


def test_a_number_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        _ = replace(JOB, settings={"lr": float("nan")}).key


def test_a_success_is_only_undone_by_the_loss_of_its_outputs_and_everything_else_can_be_asked_for_again() -> None:
    assert FOLLOWS[JobState.DONE] == {JobState.QUEUED}
    assert set(FOLLOWS) == set(JobState)
    for ended in (JobState.FAILED, JobState.CANCELLED):
        assert FOLLOWS[ended] == {JobState.QUEUED}
    assert may_follow(JobState.QUEUED, JobState.DONE)  # where its outputs are attached
    assert not may_follow(JobState.QUEUED, JobState.FAILED)


def test_a_machine_is_described_with_the_precision_of_an_evaluation() -> None:
    assert MACHINE.describe("auto") == f"{MACHINE.device}, {MACHINE.dtype}, attention {MACHINE.attention}, torch 2.13"
    assert MACHINE.describe("float32").split(", ")[1] == "float32"
    assert [MACHINE.precision(setting) for setting in ("auto", "bfloat16")] == [MACHINE.dtype, "bfloat16"]
