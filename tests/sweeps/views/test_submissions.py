"""Submitted sweeps on the command line: shown before anybody drives them, and cancelled and retried there."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.state import SubmissionState, SweepState
from jobs.store import SubmittedContent
from jobs.workplace import Workplace
from sweeps.views.following import await_turn
from sweeps.views.status import current_state
from sweeps.views.submissions import listed_sweeps
from tests.sweeps.conftest import Command


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    opened = Workplace.open(tmp_path / "home")
    opened.store.acting_as("anna").submit("sent", SubmittedContent(file='name = "sent"'), tags=["x"])
    yield opened
    opened.store.close()


def test_status_and_ls_say_what_would_start_one(place: Workplace, golfsweep: Command) -> None:
    home = ("--home", place.home.root)
    said = golfsweep("status", "sent", *home)[1]
    assert said.startswith("sent: queued (no driver; golfsweep run --queue on this database starts it); no jobs yet\n")
    [listed] = json.loads(golfsweep("ls", *home, "--json")[1])["sweeps"]
    assert (listed["name"], listed["state"], listed["owner"], listed["tags"]) == ("sent", "queued", "anna", ["x"])
    [status] = json.loads(golfsweep("status", *home, "--json")[1])["sweeps"]
    assert (status["state"], status["submission"]["version"], status["jobs"]["queued"]) == ("queued", 1, 0)


def test_cancel_takes_one_out_of_the_queue(place: Workplace, golfsweep: Command) -> None:
    code, said, _ = golfsweep("cancel", "sent", "--home", place.home.root)
    assert (code, said) == (0, "sweep sent: taken out of the queue\n")
    [record] = place.store.last_submissions()
    assert record.state == SubmissionState.CANCELLED
    assert golfsweep("status", "--home", place.home.root)[1].startswith("sent: cancelled (cancelled by ")


def test_wait_goes_on_for_one_that_is_queued_and_not_for_one_that_is_paused(
    place: Workplace, golfsweep: Command
) -> None:
    words = ("wait", "sent", "--seconds", "0", "--json", "--home", place.home.root)
    code, out, _ = golfsweep(*words)
    waits = json.loads(out)
    assert (code, waits["state"], waits["over"]) == (3, "queued", False)
    assert "golfsweep run --queue on this database starts it" in waits["reason"]
    place.store.acting_as("ben").pause_sweep("sent")
    code, out, _ = golfsweep(*words)
    waits = json.loads(out)
    assert (code, waits["state"], waits["reason"], waits["over"]) == (1, "paused", "paused by ben", True)


def test_watch_awaits_one_that_is_queued(place: Workplace, golfsweep: Command) -> None:
    cancelling = threading.Timer(0.5, lambda: place.store.acting_as("ben").cancel_submission("sent"))
    cancelling.start()
    code, out, err = golfsweep("watch", "sent", "--home", place.home.root)
    cancelling.join()
    assert code == 1 and out.startswith("sent: cancelled (cancelled by ben)")
    assert err.startswith("sent: queued (no driver; golfsweep run --queue on this database starts it); followed from")


def test_the_reasons_of_a_wait_are_said_once_each(place: Workplace) -> None:
    anna, said = place.store.acting_as("anna"), list[str]()
    acts = iter((lambda: None, lambda: anna.pause_sweep("sent"), lambda: None, lambda: anna.cancel_submission("sent")))
    await_turn("sent", place.store, said.append, lambda _: next(acts)() and None)
    assert [text.partition(";")[0] for text in said] == ["sent: queued (no driver", "sent: paused (paused by anna)"]
    assert next(acts, None) is None


@pytest.mark.parametrize(("submission", "sweep", "state"), [
    (SubmissionState.QUEUED, None, "queued"), (SubmissionState.PAUSED, None, "paused"),
    (SubmissionState.ENDED, None, "stopped"), (SubmissionState.QUEUED, SweepState.DONE, "queued"),
    (SubmissionState.TAKEN, SweepState.RUNNING, "queued"), (SubmissionState.ENDED, SweepState.DONE, "done"),
    (SubmissionState.PAUSED, SweepState.STOPPED, "paused"), (SubmissionState.ENDED, SweepState.FAILED, "failed"),
    (None, SweepState.RUNNING, "stopped"), (None, SweepState.DONE, "done"),
])  # fmt: skip
def test_states(tmp_path: Path, submission: SubmissionState | None, sweep: SweepState | None, state: str) -> None:
    """Of sweeps that no live process drives."""
    place = Workplace.open(tmp_path / "home")
    store = place.store
    if submission is not None:
        ticket = store.submit("s", SubmittedContent(file='name = "s"')).record.ticket
        acts: dict[str, Callable[[], object]] = {
            "queued": lambda: None, "paused": lambda: store.pause_sweep("s"), "taken": lambda: None,
            "ended": lambda: store.end_submission(ticket, "why"),
        }  # fmt: skip
        if submission in (SubmissionState.TAKEN, SubmissionState.ENDED):
            store.take_submission(ticket)
        acts[submission]()
    if sweep is not None:
        store.put_sweep("s", {"file": {"name": "s"}})
        if sweep != SweepState.RUNNING:
            store.end_sweep("s", sweep)
    [record] = listed_sweeps(store)
    assert current_state(record, store) == state
    store.close()


def test_run_takes_a_file_or_the_queue_and_mcp_a_folder(tmp_path: Path, refused: Callable[..., str]) -> None:
    home = ("--home", tmp_path / "home")
    assert "take submitted sweeps with --queue" in refused("run", *home)
    line = refused("run", "x.toml", "--queue", "--set", "a=1", "--owner", "me", *home)
    assert "--queue FILE --set --owner: submitted sweeps bring their own file and settings" in line
    assert "--queue --detach: " in refused("run", "--queue", "--detach", *home)
    assert "nothing: not a folder" in refused("mcp", "--folder", tmp_path / "nothing", *home)
    assert not (tmp_path / "home").exists()
