"""What keeps two jobs apart, in names and values that a person knows."""

from dataclasses import replace
from typing import Any

from jobs.spec import Job, Machine, Order
from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.planning.similar_jobs import SimilarJobs, differences, explain

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
JOB = Job(
    stage="eval",
    settings={"eval": {"lr": 0.01, "epochs": 2, "adapters": ["q", "v"]}},
    inputs={"artifact": "a" * 64},
    seed=1,
    machine=MACHINE,
    arithmetic=1,
)


def done(job: Job) -> JobRecord:
    return JobRecord(
        key=job.key, order=Order(job=job, sweep="s", label="l"), state=JobState.DONE, created=0.0, failures=0,
        claimed_by=None, attempt=1, fraction=1.0, note="", checkpoint=None, outputs={}, reason=None, finished=1.0,
        seconds=1.0,
    )  # fmt: skip


def changed(**changes: Any) -> Job:
    fields = {name: value for name, value in changes.items() if name in ("seed", "inputs", "machine")}
    settings = {name: value for name, value in changes.items() if name not in fields}
    return replace(JOB, settings={"eval": {**JOB.settings["eval"], **settings}}, **fields)


def test_differences_name_the_part_of_the_key_and_both_values() -> None:
    other = changed(lr=0.02, adapters=["q"], seed=2, machine=replace(MACHINE, processes=2))
    assert differences(JOB, other) == {
        "settings.eval.lr": (0.01, 0.02),
        "settings.eval.adapters": (["q", "v"], ["q"]),
        "seed": (1, 2),
        "machine.processes": (1, 2),
    }
    assert differences(JOB, JOB) == {}


def test_a_part_that_one_of_them_lacks_is_a_difference() -> None:
    assert differences(JOB, changed(chunk=64)) == {"settings.eval.chunk": (None, 64)}


def test_the_nearest_differs_in_the_fewest_parts_and_of_equals_is_the_latest() -> None:
    far, near, later = done(changed(lr=1.0, epochs=9)), done(changed(lr=2.0)), done(changed(lr=3.0))
    assert SimilarJobs([far, near, later]).nearest(JOB) == later
    assert SimilarJobs([later, near, far]).alike(JOB, 5) == [later, near]
    assert SimilarJobs([later, near, far]).alike(JOB, 1) == [near]


def test_sections_that_make_no_difference_are_passed_over() -> None:
    seeds = [done(changed(seed=7, inputs={"artifact": "b" * 64})), done(changed(epochs=9))]
    assert SimilarJobs(seeds).nearest(JOB) == seeds[1]
    assert SimilarJobs(seeds, ignoring=("seed", "inputs")).nearest(JOB) == seeds[0]


def test_an_explanation_is_short_and_says_what_is_not_made_yet() -> None:
    differing = differences(changed(lr=0.02, inputs={"artifact": "c" * 64}), JOB)
    assert explain(differing, unmade=()) == f"inputs.artifact = {'c' * 12}…, not {'a' * 12}…; eval.lr = 0.02, not 0.01"
    assert explain(differing, unmade={"c" * 64}) == "inputs.artifact = not made yet; eval.lr = 0.02, not 0.01"
