"""Logs of jobs: which job a name means, what there is of its log, and lines as they are reported."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from golf.errors import InputError
from jobs.files import FileStore
from jobs.paths import Home
from jobs.state import JobState
from jobs.store import JobRecord, Store
from jobs.workplace import Workplace
from sweeps.views.job_logs import SKIPPED, find_job, find_new_lines, follow_log, read_log
from tests.jobs.stores import DONE, done, order, started


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    home = Home(tmp_path)
    store = Store.open(home.database_url)
    store.put_sweep("s", {"file": {}})
    yield Workplace(home=home, store=store, files=FileStore(home.files))
    store.close()


def report(place: Workplace, job: JobRecord, *lines: str) -> None:
    place.store.progress(job.key, job.attempt, 0.5, "step 1/2", "\n".join(lines))


def test_a_job_is_named_by_its_key_its_label_or_its_sweep(place: Workplace) -> None:
    first = done(place.store, order(1, label="train seed 1"), {})
    assert find_job(first.key[:6], place).key == first.key
    assert find_job("s", place).key == first.key
    second = done(place.store, order(2, label="train seed 12"), {})
    assert find_job("train seed 1", place).key == first.key  # exactly that counts before a part of a label
    assert find_job("SEED 12", place).key == second.key
    for name in ("train", "s"):
        with pytest.raises(InputError) as error:
            find_job(name, place)
        assert "2 jobs" in error.value.error
        assert f"{first.key[:12]} (train seed 1, done), {second.key[:12]} (train seed 12, done)" in error.value.hint
    with pytest.raises(InputError, match="nothing: no job"):
        find_job("nothing", place)


def test_a_finished_job_has_its_whole_log_and_a_running_one_its_last_lines(place: Workplace) -> None:
    job = started(place.store)
    assert (read_log(job, place).lines, read_log(job, place).attempt) == ([], 1)
    report(place, job, "b", "c")
    log = read_log(job, place)
    assert (log.lines, log.whole, log.state) == (["b", "c"], False, JobState.RUNNING)
    content = b"a\nb\nc\nd \xff\n"
    digest = place.files.put(content)
    place.store.finish(job.key, 1, {"log": digest}, sizes={digest: len(content)}, **DONE)
    ended = place.store.job(job.key)
    assert ended is not None
    log = read_log(ended, place)
    assert (log.lines, log.whole, log.state) == (["a", "b", "c", "d \ufffd"], True, JobState.DONE)
    place.files.delete(digest)
    assert (read_log(ended, place).lines, read_log(ended, place).whole) == (["b", "c"], False)


def test_following_shows_each_line_once_and_goes_on_with_the_next_attempt(place: Workplace) -> None:
    job = started(place.store)
    report(place, job, "a", "b")

    def lose() -> None:
        place.store.fail(job.key, 1, "its node went away", counted=False, final=False, log="c\nd\ne")
        place.store.claim("a", 1)
        place.store.start_attempt(job.key, "a", host="here", workdir="/x", versions={}, commit=None)

    def end() -> None:
        digest = place.files.put(b"a\nb\nc\n")
        place.store.finish(job.key, 2, {"log": digest}, sizes={digest: 6}, **DONE)

    steps = iter([
        lambda: None,
        lambda: report(place, job, "a", "b", "c"),
        lambda: report(place, job, "c", "d"),
        lose,
        lambda: place.store.progress(job.key, 2, 0.5, "again", "a"),
        end,
    ])  # fmt: skip
    assert list(follow_log(job.key, place, lambda _: next(steps)())) == ["a", "b", "c", "d", "a", "b", "c"]


@pytest.mark.parametrize(
    ("shown", "lines", "new"),
    [
        ([], ["a", "b"], ["a", "b"]),
        (["a", "b"], ["a", "b"], []),
        (["a", "b"], ["b", "c"], ["c"]),
        (["a", "b"], ["a", "b", "c"], ["c"]),
        (["a", "b"], ["c", "d"], [SKIPPED, "c", "d"]),
        (["a", "st"], ["a", "step 1", "step 2"], ["step 1", "step 2"]),  # it had not been complete
        (["a", "a"], ["a", "a", "b"], ["b"]),
        (["b", "c"], ["a", "b", "c", "d"], ["d"]),
        (["a"], [], []),
    ],
)
def test_new_lines_are_those_after_the_shown_ones(shown: list[str], lines: list[str], new: list[str]) -> None:
    assert find_new_lines(shown, lines) == new


def logs(place: Workplace, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "sweeps.cli", "logs", *words, "--home", str(place.home.root)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=take_interrupts
    )


def take_interrupts() -> None:
    """A program that was started in the background of a shell ignores them, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.timeout(120)
def test_the_command_follows_a_job_until_it_fails(place: Workplace) -> None:
    job = started(place.store)
    report(place, job, "first", "second \x1b[31m")
    with logs(place, "seed 1", "-f") as following:
        assert following.stdout is not None
        assert [following.stdout.readline(), following.stdout.readline()] == ["first\n", "second \\x1b[31m\n"]
        place.store.fail(job.key, 1, "diverged", counted=True, final=True, log="second \x1b[31m\nthird")
        out, err = following.communicate()
    assert (out, following.returncode) == ("third\n", 1)
    assert err == f"{job.key[:12]} seed 1: failed (diverged)\n"
    out, err = logs(place, job.key[:8], "--json").communicate()
    assert json.loads(out) == {
        "key": job.key, "label": "seed 1", "state": "failed", "reason": "diverged", "attempt": 1, "whole": False,
        "lines": ["second \x1b[31m", "third"],
    }  # fmt: skip


@pytest.mark.timeout(120)
def test_the_command_says_why_there_is_nothing_to_show(place: Workplace) -> None:
    job, waiting = started(place.store), order(2)
    place.store.put_job(waiting)
    for name, why in [
        (waiting.job.key, "seed 2: queued; no attempt has started"),
        (job.key, "seed 1: running; it has reported no line yet"),
    ]:
        out, err = logs(place, name).communicate()
        assert (out, err) == ("", f"{name[:12]} {why}\n")


@pytest.mark.timeout(120)
def test_ctrl_c_ends_following(place: Workplace) -> None:
    report(place, started(place.store), "first")
    with logs(place, "seed 1", "-f") as following:
        assert following.stdout is not None
        assert following.stdout.readline() == "first\n"
        following.send_signal(signal.SIGINT)
        _, err = following.communicate()
    assert following.returncode == 130, err
