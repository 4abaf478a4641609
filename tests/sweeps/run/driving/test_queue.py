"""The queue: several submitted sweeps at once in one process, with what people and other processes do meanwhile."""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from cluster.executor import Opening
from cluster.executors.local import machine_cluster
from jobs.state import JobState, SubmissionState, SweepState
from jobs.store import SubmissionRecord, SubmittedContent
from jobs.workplace import Workplace
from sweeps.entries.reading import board_of
from sweeps.run.driving.driven_sweep import Site
from sweeps.run.driving.opening import open_scheduling
from sweeps.run.driving.queue import SweepQueue
from sweeps.run.driving.shared_executor import SharedExecutor
from tests.sweeps import inline
from tests.sweeps.inline import Inline, Record, spec_of

SECONDS = 240.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sweeps.run.driving.queue.STEP_SECONDS", 0.02)
    monkeypatch.setattr("sweeps.run.driving.driver_thread.STEP_SECONDS", 0.02)
    monkeypatch.setattr("sweeps.run.driving.queue.LOOK_SECONDS", 0.0)  # what people decide is seen at the next step


def toml(value: Any) -> str:
    """Plain data as an inline value of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def text_of(data: dict[str, Any], name: str, **changes: Any) -> str:
    one = {"seeds": {"confirm": [3]}, "arm": [{"name": "base", "baseline": True}]}
    source = spec_of(data, **one | changes, name=name).source
    return "\n".join(f"{key} = {toml(value)}" for key, value in source.items())


def submit(place: Workplace, text: str, name: str) -> SubmissionRecord:
    return place.store.acting_as("anna").submit(name, SubmittedContent(file=text), tags=["team"]).record


def latest(place: Workplace, name: str) -> SubmissionRecord:
    found = place.store.submission(name)
    assert found is not None
    return found


@contextmanager
def queue_of(place: Workplace, said: list[str] | None = None, cluster: str | None = None) -> Iterator[SweepQueue]:
    say, joined = [].append if said is None else said.append, None
    if cluster is not None:
        joined = Inline(Opening(widest=2, home=Path()))
        joined.cluster = cluster
    queue = SweepQueue(
        Site(place=place, cluster=cluster or machine_cluster(), joined=cast(Any, joined)),
        lambda widest: open_scheduling(place, executor="inline", widest=widest, joined=cast(Any, joined), say=say),
        say,
    )
    try:
        yield queue
    finally:
        queue.close()


def step_until(queue: SweepQueue, condition: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < until
        queue.step()


def rows(place: Workplace, name: str) -> list[dict[str, Any]]:
    """A sweep's leaderboard without what differs between runs: when, and how long."""
    kept = ("name", "track", "rank", "seeds", "val_bpb_mean", "bytes_total", "findings", "p_adjusted")
    return [{key: row[key] for key in kept} for row in board_of(name, place).table()]


def test_two_sweeps_at_once_stopped_and_gone_on_with_end_as_if_nothing_had_happened(
    place: Workplace, data: dict[str, Any], record: Record, tmp_path: Path
) -> None:
    names = ("one", "two")
    texts = {name: text_of(data, name, seeds={"confirm": [3, 4]}) for name in names}
    for name in names:
        submit(place, texts[name], name)

    def are_both_driven_and_some_jobs_done() -> bool:
        drivers = {driver.sweep for driver in place.store.live_drivers()}
        return drivers == {"one", "two"} and len(place.store.jobs(states=[JobState.DONE])) >= 2

    with queue_of(place) as queue:
        step_until(queue, are_both_driven_and_some_jobs_done)
        assert sorted(queue.driven) == ["one", "two"]
    assert {latest(place, name).state for name in names} == {SubmissionState.QUEUED}, "others may take them at once"
    assert {sweep.state for sweep in place.store.sweeps()} == {SweepState.STOPPED}
    assert place.store.live_drivers() == [] and place.store.live_schedulers() == []
    with queue_of(place) as queue:
        step_until(queue, lambda: all(latest(place, name).state == SubmissionState.ENDED for name in names))
    assert [(sweep.state, sweep.owner, sweep.tags) for sweep in place.store.sweeps()] == [
        ("done", "anna", ("team",))
    ] * 2
    assert len(record.ran) == len(place.store.jobs()), "nothing is done twice"
    other = Workplace.open(tmp_path / "undisturbed")
    for name in names:
        assert inline.run(
            spec_of(data, name=name, seeds={"confirm": [3, 4]}, arm=[{"name": "base", "baseline": True}]), other
        ).done
        assert rows(place, name) == rows(other, name)
    other.store.close()


def test_an_error_ends_its_own_sweep_alone(place: Workplace, data: dict[str, Any]) -> None:
    missing = text_of(data | {"tokens": "/nowhere"}, "lost")
    submit(place, missing, "lost")
    submit(place, "name = 'broken'\n[recipe]\ntrain.gpus = 'x'", "broken")
    submit(place, text_of(data, "other"), "misnamed")
    submit(place, text_of(data, "good"), "good")
    with queue_of(place) as queue:
        step_until(queue, lambda: not place.store.open_submissions())
    reasons = {name: latest(place, name).reason or "" for name in ("lost", "broken", "misnamed", "good")}
    assert "/nowhere" in reasons["lost"]
    assert "train.gpus = 'x'" in reasons["broken"]
    assert reasons["misnamed"] == "the sweep file names the sweep other; expected misnamed"
    assert reasons["good"] == "done"
    good = place.store.sweep("good")
    assert good is not None and good.state == SweepState.DONE
    assert [sweep.name for sweep in place.store.sweeps()] == ["good"]


def test_an_edited_file_goes_on_with_what_is_finished(place: Workplace, data: dict[str, Any], record: Record) -> None:
    submit(place, text_of(data, "edited"), "edited")
    second = text_of(data, "edited", seeds={"confirm": [3, 4]})
    record.before = lambda task: submit(place, second, "edited") and None if task.stage.name == "eval" else None
    said: list[str] = []
    with queue_of(place, said) as queue:
        step_until(queue, lambda: latest(place, "edited").state == SubmissionState.ENDED)
    first, last = place.store.submission_versions("edited")
    assert (first.state, first.reason) == (SubmissionState.ENDED, "replaced by version 2")
    assert last.reason == "done"
    assert "edited: stopped: replaced by version 2" in said
    assert record.ran.count("train") == 2, "that of the first version is kept"


def test_pause_stops_and_resume_goes_on(place: Workplace, data: dict[str, Any], record: Record) -> None:
    submit(place, text_of(data, "slow"), "slow")
    anna = place.store.acting_as("anna")
    paused: list[str] = []

    def pause(task: Any) -> None:
        if task.stage.name == "quantize" and not paused:
            paused.append(anna.pause_sweep("slow").state)

    record.before = pause
    with queue_of(place) as queue:
        step_until(queue, lambda: bool(paused) and not queue.driven)
        sweep = place.store.sweep("slow")
        assert sweep is not None and (sweep.state, sweep.reason) == (SweepState.STOPPED, "paused by anna")
        for _ in range(20):
            queue.step()
        assert latest(place, "slow").state == SubmissionState.PAUSED and not queue.driven
        anna.resume_sweep("slow")
        step_until(queue, lambda: latest(place, "slow").state == SubmissionState.ENDED)
    assert latest(place, "slow").reason == "done"


def test_a_priority_reaches_what_is_ordered_later(place: Workplace, data: dict[str, Any], record: Record) -> None:
    submit(place, text_of(data, "urgent"), "urgent")
    record.before = lambda task: place.store.set_priority("urgent", 7) and None
    with queue_of(place) as queue:
        step_until(queue, lambda: latest(place, "urgent").state == SubmissionState.ENDED)
    priorities = {job.order.job.stage: job.order.priority for job in place.store.jobs()}
    assert priorities["train"] == 0 and priorities["audit"] == 7


def test_a_cancelled_sweep_is_let_go(place: Workplace, data: dict[str, Any], record: Record) -> None:
    submit(place, text_of(data, "unwanted"), "unwanted")
    record.before = lambda task: place.store.cancel_sweep("unwanted") and None
    with queue_of(place) as queue:
        step_until(queue, lambda: latest(place, "unwanted").state == SubmissionState.CANCELLED and not queue.driven)
    sweep = place.store.sweep("unwanted")
    assert sweep is not None and sweep.state == SweepState.CANCELLED
    assert record.ran == ["train"]


def test_what_belongs_to_another_class_of_machine_waits(place: Workplace, data: dict[str, Any]) -> None:
    submit(place, text_of(data, "foreign"), "foreign")
    machine = {"device": "H100", "dtype": "bf16", "torch": "2", "attention": "x", "processes": 1, "threads": 1}
    place.store.put_sweep("foreign", {"machine": machine})
    place.store.end_sweep("foreign", SweepState.STOPPED)
    said: list[str] = []
    with queue_of(place, said) as queue:
        for _ in range(20):
            queue.step()
        assert queue.driven == []
    assert said == ["foreign: was begun on H100, and waits for a queue there."]
    assert latest(place, "foreign").state == SubmissionState.QUEUED


def test_two_clusters_take_sweeps_of_one_database(
    tmp_path: Path, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.run.driving.queue.MOST_SWEEPS", 1)
    url, files, said = f"sqlite:///{tmp_path}/team.db", str(tmp_path / "files"), list[str]()
    places = [Workplace.open(tmp_path / name, url, files) for name in "ab"]
    for name in ("one", "two"):
        submit(places[0], text_of(data, name, seeds={"confirm": [3, 4]}), name)
    with ExitStack() as stack:
        queues = [stack.enter_context(queue_of(each, said, f"cluster {each.home.root.name}")) for each in places]
        clusters = set[str]()
        while any(latest(places[0], name).state != SubmissionState.ENDED for name in ("one", "two")):
            for queue in queues:
                queue.step()
            clusters |= {driver.cluster for driver in places[0].store.live_drivers()}
    assert clusters == {"cluster a", "cluster b"}
    assert [sweep.state for sweep in places[0].store.sweeps()] == ["done", "done"]
    attempts = [attempt for job in places[0].store.jobs() for attempt in places[0].store.attempts(job.key)]
    assert len(attempts) == len(places[0].store.jobs()), "nothing is done twice"
    for each in places:
        each.store.close()


def test_what_no_node_is_large_enough_for_is_given_back(place: Workplace, data: dict[str, Any]) -> None:
    spec = spec_of(data, name="wide")
    recipe = {**spec.source["recipe"], "train": {**spec.source["recipe"]["train"], "gpus": 4, "batch_tokens": 512}}
    submit(place, text_of(data, "wide", recipe=recipe), "wide")
    submit(place, text_of(data, "narrow"), "narrow")
    with queue_of(place) as queue:
        step_until(queue, lambda: "narrow" not in queue.driven and latest(place, "narrow").reason == "done")
        step_until(queue, lambda: not queue.driven)
        wide = latest(place, "wide")
        assert (wide.state, wide.reason) == ("queued", "a job needs 4 slots of one node; the largest has 2")


def test_threads_use_a_joined_cluster_one_at_a_time() -> None:
    inside, most = 0, 0

    class Slow(Inline):
        def nodes(self) -> Any:
            nonlocal inside, most
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1
            return super().nodes()

    shared = SharedExecutor(cast(Any, Slow(Opening(widest=2, home=Path()))))
    with ThreadPoolExecutor(4) as pool:
        assert len({str(nodes) for nodes in pool.map(lambda _: shared.nodes(), range(8))}) == 1
    assert most == 1
