"""The heartbeat's thread: it goes on whatever a beat raises, and the work can see what that was."""

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from cluster.scheduling.heartbeat import Heartbeat
from jobs.errors import StoreUnavailable

WAIT_SECONDS = 60.0


class Beats:
    """Raises what a list says, beat after beat; from its end on a beat succeeds."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.passed = threading.Semaphore(0)
        """Released by each beat."""
        self.go_on = threading.Event()
        """Beats after the errors wait for it."""

    def __call__(self) -> None:
        self.passed.release()
        if self.errors:
            raise self.errors.pop(0)
        self.go_on.wait(WAIT_SECONDS)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.scheduling.heartbeat.BEAT_SECONDS", 0.001)


def wait_for(condition: Callable[[], Any]) -> None:
    for _ in range(round(WAIT_SECONDS / 0.01)):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("does not come")


@pytest.mark.usefixtures("quick")
def test_a_heartbeat_survives_every_error_and_says_once_what_it_was(caplog: pytest.LogCaptureFixture) -> None:
    beats = Beats(ValueError("a\nb"), ValueError("again"), StoreUnavailable("no answer"), KeyError("k"))
    heartbeat = Heartbeat(beats)
    with caplog.at_level(logging.ERROR), heartbeat:
        for _ in range(5):
            assert beats.passed.acquire(timeout=WAIT_SECONDS), "the heartbeat has died"
        assert isinstance(heartbeat.failure, KeyError), "as long as no beat has succeeded"
        beats.go_on.set()
        wait_for(lambda: heartbeat.failure is None)
    assert caplog.messages == [
        "no heartbeat, tried again: ValueError: a b",
        "no heartbeat, tried again: KeyError: 'k'",
    ]


@pytest.mark.usefixtures("quick")
def test_a_heartbeat_stops_with_the_work_that_is_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cluster.scheduling.heartbeat.STUCK_SECONDS", 0.0)
    beats = Beats()
    with Heartbeat(beats):
        assert not beats.passed.acquire(timeout=0.05)
