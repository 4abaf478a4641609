"""Threads: none ends by an error without a trace, and none is started in another way."""

import ast
import logging
import threading
from pathlib import Path

import pytest

from golf.threads import Alarm, BackgroundThread

ROOT = Path(__file__).parents[2]
PACKAGES = ("golf", "jobs", "cluster", "sweeps")
STARTERS = {"Thread", "Timer", "start_new_thread", "create_task", "ensure_future", "run_in_executor", "ThreadPool"}
POOLS = {
    "golf/train/batches.py": "the training takes each batch from its future, which raises what reading raised",
    "golf/train/checkpoint_writer.py": "the next write and the end of the training wait for the future",
    "golf/ttt/engine.py": "the engine takes every result",
    "sweeps/web/kept/answers.py": "an answer that cannot be made is dropped, and whoever asks next meets the error",
    "sweeps/web/kept/feed.py": "the stream that looks for events takes each look, which raises what reading raised",
    "sweeps/web/notices/sender.py": "what is sent answers with every error, and the sender takes each answer",
}
"""Modules with a pool of threads, and who hears of an error there."""
END_SECONDS = 60.0


def test_every_thread_is_started_where_its_errors_are_reported() -> None:
    starting: dict[str, set[str]] = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in STARTERS | {"ThreadPoolExecutor"}:
                    starting.setdefault(str(path.relative_to(ROOT)), set()).add(name)
    pools = {path: {"ThreadPoolExecutor"} for path in POOLS}
    assert starting == {"golf/threads.py": {"Thread"}} | pools


def test_what_a_thread_raises_is_kept_and_logged_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    def body() -> None:
        raise ValueError("first\nsecond")

    thread = BackgroundThread("reader", body)
    with caplog.at_level(logging.ERROR):
        thread.start()
        thread.join(END_SECONDS)
    assert isinstance(thread.error, ValueError)
    assert caplog.messages == ["thread reader ended by ValueError: first second"]


def test_an_alarm_calls_once_and_not_after_it_was_cancelled() -> None:
    called = threading.Event()
    Alarm("soon", 0.0, called.set).start()
    assert called.wait(END_SECONDS)
    called.clear()
    alarm = Alarm("never", END_SECONDS, called.set)
    alarm.start()
    alarm.cancel()
    alarm._thread.join(END_SECONDS)
    assert not called.is_set()
