"""Two machines with one database: the second run of a sweep shares the work of the first, or takes over from it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster.executor import Opening, Task
from cluster.registry import EXECUTORS, ExecutorKind
from golf.data.corpus import DemoData
from jobs.errors import AlreadyDriven
from jobs.state import JobState, SweepState
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.run import session
from sweeps.spec.file import SweepSpec
from tests.jobs.stores import empty_database
from tests.postgresql import Server
from tests.sweeps.inline import Inline, Record, cut_data, spec_of

PATIENCE_SECONDS = 240.0
RECORDS = {"1": Record(), "2": Record()}


def join(address: str) -> Inline:
    """A cluster that runs tasks in this process."""
    executor = Inline(Opening(widest=2, home=Path()))
    executor.cluster, executor.record = f"machine {address}", RECORDS[address]
    return executor


@pytest.fixture(autouse=True)
def other_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever asks whether a sweep is driven elsewhere is on another machine than the driver."""
    monkeypatch.setattr("sweeps.run.helping.identity", lambda: "another machine")
    monkeypatch.setitem(EXECUTORS, "far", ExecutorKind(summary="this process", join=f"{__name__}:join"))
    RECORDS.update({"1": Record(), "2": Record()})
    yield


def run(spec: SweepSpec, place: Workplace, number: str, said: list[str]) -> Snapshot:
    return session.run(spec, place, executor=f"far:{number}", show=lambda *_: None, say=said.append)


def test_two_machines_share_the_jobs_of_a_sweep(tmp_path: Path, postgresql: Server, demo: DemoData) -> None:
    spec = spec_of(
        cut_data(demo, tmp_path / "cut"), seeds={"confirm": [*range(3, 11)]}, arm=[{"name": "base", "baseline": True}]
    )
    url = empty_database(postgresql)
    places = [Workplace.open(tmp_path / name, url, str(tmp_path / "files")) for name in ("a", "b")]
    begun, helped = threading.Event(), threading.Event()  # the first claims no more than six jobs before it has help

    def wait_for_help(_: Task) -> None:
        begun.set()
        assert helped.wait(PATIENCE_SECONDS)

    RECORDS["1"].before, RECORDS["2"].before = wait_for_help, lambda _: helped.set()
    said: list[str] = []
    with ThreadPoolExecutor() as pool:
        first = pool.submit(run, spec, places[0], "1", [])
        assert begun.wait(PATIENCE_SECONDS)
        second = pool.submit(run, spec, places[1], "2", said)
        ends = [first.result(PATIENCE_SECONDS), second.result(PATIENCE_SECONDS)]
    assert said == ['Another machine drives sweep "small"; this one runs jobs of it until it is done.']
    assert [(end.done, end.ended, end.failures) for end in ends] == [(True, None, [])] * 2
    jobs = places[0].store.jobs(sweep="small")
    attempts = [attempt for job in jobs for attempt in places[0].store.attempts(job.key)]
    assert {job.state for job in jobs} == {JobState.DONE}
    assert len(attempts) == len(jobs) == len(RECORDS["1"].ran) + len(RECORDS["2"].ran), "nothing is done twice"
    assert len({attempt.scheduler for attempt in attempts}) == 2
    for place in places:
        place.store.close()


def test_whoever_helps_becomes_the_driver_when_that_is_gone(tmp_path: Path, demo: DemoData) -> None:
    one = {"seeds": {"confirm": [3]}, "arm": [{"name": "base", "baseline": True}]}
    spec, url = spec_of(cut_data(demo, tmp_path / "cut"), **one), f"sqlite:///{tmp_path}/team.db"
    places = [Workplace.open(tmp_path / name, url, str(tmp_path / "files")) for name in ("a", "b")]
    places[0].store.drive("small", "the first driver", "machine 1")
    with ThreadPoolExecutor() as pool:
        second = pool.submit(run, spec, places[1], "2", [])
        time.sleep(1.0)
        assert places[1].store.sweep("small") is None, "it waits for the driver to begin"
        places[0].store.stop_driving("small", "the first driver")
        assert second.result(PATIENCE_SECONDS).done
    sweep = places[1].store.sweep("small")
    assert sweep is not None and sweep.state == SweepState.DONE
    for place in places:
        place.store.close()


def test_on_the_cluster_of_the_driver_there_is_nothing_to_help_with(tmp_path: Path, demo: DemoData) -> None:
    spec, url = spec_of(cut_data(demo, tmp_path / "cut")), f"sqlite:///{tmp_path}/team.db"
    places = [Workplace.open(tmp_path / name, url, str(tmp_path / "files")) for name in ("a", "b")]
    places[0].store.drive("small", "the first driver", "machine 1")
    with pytest.raises(AlreadyDriven):
        run(spec, places[1], "1", [])
    for place in places:
        place.store.close()
