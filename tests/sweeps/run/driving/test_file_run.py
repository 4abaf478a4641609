"""`golfsweep run FILE` while people decide about its sweep: the same as of a sweep that the queue drives."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.machine import stopping
from jobs.state import JobState, SubmissionState, SweepState
from jobs.store import SubmissionRecord, SubmittedContent
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.run import session
from sweeps.run.driving.versions import describe_file
from sweeps.spec.file import load_sweep
from tests.sweeps.inline import Record
from tests.sweeps.run.driving.test_queue import text_of

SECONDS = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("file_run.STEP_SECONDS", "file_run.LOOK_SECONDS", "decisions.LOOK_SECONDS"):
        monkeypatch.setattr(f"sweeps.run.driving.{name}", 0.0)


@pytest.fixture
def file(tmp_path: Path, data: dict[str, Any]) -> Path:
    path = tmp_path / "sweep.toml"
    path.write_text(text_of(data, "own"))
    return path


def run(file: Path, place: Workplace, said: list[str] | None = None, *assignments: str) -> Snapshot:
    spec, say = load_sweep(file, assignments), [].append if said is None else said.append
    content = describe_file(file, assignments, spec)
    return session.run(spec, place, content=content, executor="inline", show=lambda *_: None, say=say)


def latest(place: Workplace) -> SubmissionRecord:
    record = place.store.submission("own")
    assert record is not None
    return record


def until(condition: Any) -> None:
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_its_file_is_a_version_in_the_database(file: Path, place: Workplace) -> None:
    assert run(file, place, None, "priority=3").done
    first = latest(place)
    assert (first.version, first.state, first.reason) == (1, SubmissionState.ENDED, "done")
    assert (first.file, first.assignments, first.priority) == (file.read_text(), ("priority=3",), 3)
    assert run(file, place, None, "priority=3").done
    assert latest(place).ticket == first.ticket, "the same file again is no new version"
    said: list[str] = []
    assert run(file, place, said, "priority=4").done
    assert (latest(place).version, said) == (2, [f"The file replaces version 1, of {place.store.user}."])


def test_data_of_the_current_folder_are_named_so_that_others_find_them(
    tmp_path: Path, data: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(data["tokens"])
    monkeypatch.chdir(folder.parent)
    path = tmp_path / "sweep.toml"
    path.write_text(text_of(data | {"tokens": folder.name}, "own"))
    content = describe_file(path, ["priority=1"], load_sweep(path, ["priority=1"]))
    assert content.assignments == ("priority=1", f'data.tokens="{folder}"')


def test_paused_it_waits_until_it_is_resumed(file: Path, place: Workplace, record: Record) -> None:
    anna, waited = place.store.acting_as("anna"), list[SubmissionState]()

    def resume() -> None:
        until(lambda: any("goes on when" in text for text in said))
        sweep = anna.sweep("own")
        assert sweep is not None and (sweep.state, sweep.reason) == (SweepState.STOPPED, "paused by anna")
        waited.append(SubmissionState(latest(place).state))
        anna.resume_sweep("own")

    def pause(task: Any) -> None:
        if task.stage.name == "quantize" and not other.is_alive() and not waited:
            anna.pause_sweep("own")
            other.start()

    said, other = list[str](), threading.Thread(target=resume)
    record.before = pause
    assert run(file, place, said).done
    other.join()
    assert waited == [SubmissionState.PAUSED]
    assert said == [
        "Paused by anna; goes on when somebody resumes it. Ctrl-C stops it.",
        f"Goes on with version 1, of {place.store.user}.",
    ]
    assert len(record.ran) == len(place.store.jobs()), "nothing is done twice"
    assert (latest(place).version, latest(place).reason) == (1, "done")


def test_seeds_that_were_added_and_a_priority_are_taken_up(file: Path, place: Workplace, record: Record) -> None:
    anna = place.store.acting_as("anna")

    def decide(task: Any) -> None:
        if task.stage.name == "eval" and latest(place).version == 1:
            first = latest(place)
            more = SubmittedContent(file=first.file, assignments=(*first.assignments, "seeds.confirm=[3, 5]"))
            anna.submit("own", more)
            anna.set_priority("own", 7)

    record.before = decide
    said: list[str] = []
    assert run(file, place, said).done
    assert said[0] == "Goes on with version 2, of anna."
    assert record.ran.count("train") == 2, "that of the first seed is kept"
    [train] = [job for job in place.store.jobs() if job.order.job.stage == "train" and job.order.job.seed == 5]
    assert train.order.priority == 7
    assert {each.reason for each in place.store.submission_versions("own")} == {"replaced by version 2", "done"}


def test_cancelled_while_it_is_paused_it_ends(file: Path, place: Workplace, record: Record) -> None:
    anna, said = place.store.acting_as("anna"), list[str]()
    record.before = lambda task: anna.pause_sweep("own") and None
    ending = threading.Thread(target=lambda: (until(lambda: said), anna.cancel_sweep("own")))
    ending.start()
    end = run(file, place, said)
    ending.join()
    assert (end.done, end.ended) == (False, "cancelled: cancelled by a user")
    assert latest(place).state == SubmissionState.CANCELLED and place.store.live_drivers() == []


def test_stopped_by_a_user_nobody_takes_it_up_until_somebody_says_so(
    file: Path, place: Workplace, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_: Any) -> None:
        raise KeyboardInterrupt

    record.before = stop
    with pytest.raises(KeyboardInterrupt):
        run(file, place)
    assert (latest(place).state, latest(place).reason) == (SubmissionState.ENDED, stopping.reason())
    assert place.store.resume_sweep("own").state == SubmissionState.QUEUED


def test_killed_it_is_its_own_commands_and_nobody_elses_until_somebody_resumes_it(
    file: Path, place: Workplace, record: Record
) -> None:
    seen: list[SubmissionState] = []

    def look(_: Any) -> None:
        seen.append(SubmissionState(latest(place).state))
        assert place.store.resume_sweep("own").state == SubmissionState.BY_HAND, "it is driven already"
        assert not place.store.take_submission(latest(place).ticket)

    record.before = look
    assert run(file, place).done
    assert set(seen) == {SubmissionState.BY_HAND}
    spec = load_sweep(file)
    place.store.submit("own", describe_file(file, ["priority=1"], spec))
    place.store.drive("own", "driver", "cluster")
    place.store.take_by_hand("own")
    place.store.stop_driving("own", "driver")  # as if it had lapsed
    assert not place.store.take_submission(latest(place).ticket)
    assert place.store.resume_sweep("own").state == SubmissionState.QUEUED


def test_a_version_that_cannot_be_driven_ends_the_run_and_says_why(
    file: Path, place: Workplace, record: Record
) -> None:
    wrong = SubmittedContent(file='name = "own"\n[recipe]\ntrain.gpus = "x"')
    record.before = lambda task: place.store.submit("own", wrong) and None
    with pytest.raises(InputError, match=r"train\.gpus = 'x'"):
        run(file, place)
    assert latest(place).state == SubmissionState.ENDED
    assert "train.gpus = 'x'" in (latest(place).reason or "")
    assert not place.store.jobs(states=[JobState.RUNNING])
