"""Any program as a gang: a foreign script under torchrun and alone, that ends by itself, hangs or is killed.

Gangs of our own trainer are in the executors' tests."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from cluster.executors import launcher
from cluster.executors.launcher import Gang
from cluster.executors.processes import Mark, marked
from jobs.events import Checkpoint, Event, Failed, Failure, Finished, Progress
from jobs.program import CHECKPOINT, LOG, GangEnd, Program
from jobs.stages.train import TRAIN
from tests.cluster.orders import Orders

PATIENCE_SECONDS = 60.0
SCRIPT = """
import os, sys, time
print("begins in", os.getcwd())
rank = os.environ.get("RANK", "alone")
for step in (1, 2):
    print(f"rank {rank}: step {step}")
open(f"result.{rank}", "w").write(os.path.basename(sys.argv[0]))
time.sleep(float(sys.argv[1]))
sys.exit(int(sys.argv[2]))
"""


class Foreign(Program):
    """Somebody's script, which runs unchanged under its own name."""

    start_seconds = 0.0

    def __init__(self, script: Path, seconds: float = 0.0, code: int = 0) -> None:
        self._script, self._arguments = script, [str(seconds), str(code)]

    def command(self, folder: Path) -> Sequence[str]:
        return [sys.executable, str(self._script), *self._arguments]

    def finish(self, folder: Path, end: GangEnd) -> Finished:
        return Finished(outputs={path.name: path.read_text() for path in folder.glob("result.*")})


class Alone(Foreign):
    """The same without torchrun."""

    uses_torchrun = False


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "somebody's train_gpt.py"
    path.write_text(SCRIPT)
    return path


@pytest.fixture
def mark() -> Iterator[Mark]:
    made = Mark(node="n", slots=(0, 1), task=f"foreign {os.getpid()} {time.monotonic()}")
    yield made
    assert marked(lambda mark: mark.task == made.task) == [], "nothing of a gang is left"


def gang(program: Program, tmp_path: Path, mark: Mark, silence_seconds: float = 60.0) -> Gang:
    folder = tmp_path / "attempts" / "1"
    return Gang(program, folder, slots=2, inputs={}, mark=mark, silence_seconds=silence_seconds)


@pytest.mark.parametrize(("kind", "ranks"), [(Foreign, ("0", "1")), (Alone, ("alone",))])
def test_a_foreign_script_runs_in_its_folder_and_what_it_prints_is_told(
    script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign], ranks: Sequence[str]
) -> None:
    *before, last = gang(kind(script, seconds=1.0), tmp_path, mark).events()
    assert isinstance(last, Finished), last
    assert last.outputs == {f"result.{rank}": script.name for rank in ranks}
    log = (tmp_path / "attempts" / "1" / LOG).read_text()
    assert f"begins in {tmp_path / 'attempts' / '1'}" in log
    assert all(f"rank {rank}: step {step}" in log for rank in ranks for step in (1, 2))
    shown = [event.log for event in before if isinstance(event, Progress) and event.log is not None]
    assert any("step 2" in text for text in shown), "what it prints leaves the node before the end"


@pytest.mark.parametrize(("kind", "said"), [(Foreign, "exitcode  : 3"), (Alone, "step 2")])
def test_a_script_that_fails_is_a_crash_with_the_last_lines(
    script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign], said: str
) -> None:
    *_, last = gang(kind(script, code=3), tmp_path, mark).events()
    assert isinstance(last, Failed)
    assert last.failure == Failure.CRASH
    assert said in last.log


@pytest.mark.parametrize("kind", [Foreign, Alone])
def test_a_script_that_prints_nothing_for_too_long_hangs(
    script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign]
) -> None:
    monitored = kind(script, seconds=600.0)
    monitored.start_seconds = 60.0  # type: ignore[misc]  # torchrun itself is silent while it imports
    *_, last = gang(monitored, tmp_path, mark, silence_seconds=1.0).events()
    assert isinstance(last, Failed)
    assert (last.failure, last.reason) == (Failure.HANG, "no output for 1 s"), last.log
    assert "step 2" in last.log


@pytest.mark.parametrize("kind", [Foreign, Alone])
def test_a_script_that_is_killed_is_lost(script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign]) -> None:
    events = gang(kind(script, seconds=600.0), tmp_path, mark).events()
    for event in events:
        if isinstance(event, Progress) and (processes := running(script)):
            os.kill(processes[-1], signal.SIGKILL)
            break
    *_, last = events
    assert isinstance(last, Failed)
    assert (last.failure, last.reason.split(" was ")[1]) == (Failure.LOST, "ended from outside (signal 9)"), last.log


@pytest.mark.parametrize("kind", [Foreign, Alone])
def test_giving_a_gang_up_ends_all_of_it(script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign]) -> None:
    events = gang(kind(script, seconds=600.0), tmp_path, mark).events()
    while not running(script):
        assert isinstance(next(events), Progress)
    events.close()  # type: ignore[attr-defined]
    assert running(script) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells processes of their parent's death")
@pytest.mark.parametrize("kind", [Foreign, Alone])
def test_a_gang_dies_with_the_thread_that_watches_it(
    script: Path, tmp_path: Path, mark: Mark, kind: type[Foreign]
) -> None:
    """The thread ends without a word, as that of a killed process does; torchrun's ranks have sessions of their own."""
    ends, kept = threading.Event(), list[Iterator[Event]]()

    def watch() -> None:
        kept.append(events := gang(kind(script, seconds=600.0), tmp_path, mark).events())
        while not ends.is_set():
            next(events)

    thread = threading.Thread(target=watch)
    thread.start()
    wait_for(lambda: len(running(script)) == (2 if kind is Foreign else 1))
    ends.set()
    thread.join()
    wait_for(lambda: not running(script))
    kept[0].close()  # type: ignore[attr-defined]


def running(script: Path) -> list[int]:
    """Processes that execute a script, not those that start them."""
    return [
        child.pid
        for child in psutil.Process().children(recursive=True)
        if (words := words_of(child))[1:2] == [str(script)] and len(words) == 4
    ]


def words_of(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def wait_for(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_hang_whose_processes_do_not_die_stays_a_hang_and_names_them(
    script: Path, tmp_path: Path, mark: Mark, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stuck(_: object) -> None:
        raise TimeoutError("processes [7] of an ended gang cannot be killed")

    monkeypatch.setattr(launcher, "end_marked", stuck)
    *_, last = gang(Alone(script, seconds=600.0), tmp_path, mark, silence_seconds=1.0).events()
    assert isinstance(last, Failed)
    assert (last.failure, last.reason) == (
        Failure.HANG, "no output for 1 s; processes [7] of an ended gang cannot be killed"
    )  # fmt: skip


def test_the_others_words_do_not_hide_that_a_rank_crashed(orders: Orders, tmp_path: Path, mark: Mark) -> None:
    trainer = gang(TRAIN.program(orders.train()), tmp_path, mark)
    folder = tmp_path / "attempts" / "1"
    peer = '{"failure": "collective time-out", "reason": "Connection closed by peer"}'
    (folder / "error.0.json").write_text(peer)
    (folder / LOG).write_text("Signal 11 (SIGSEGV) received by PID 7\nConnection closed by peer\n")
    assert (trainer._failed(1).failure, trainer._failed(1).reason) == (Failure.CRASH, "a rank died of signal 11")
    (folder / LOG).write_text("nothing that is known\n")
    assert trainer._failed(1).failure == Failure.COLLECTIVE


class Counting(Alone):
    """A program whose checkpoint is one file, from which the next attempt counts on."""

    checkpoint_file = "count"

    def command(self, folder: Path) -> Sequence[str]:
        return [sys.executable, "-c", COUNT]

    def finish(self, folder: Path, end: GangEnd) -> Finished:
        return Finished(outputs={"count": (folder / "count").read_text()})


COUNT = """
import os, time
count = int(open("count").read()) if os.path.exists("count") else 0
open("new", "w").write(str(count + 1))
os.replace("new", "count")
time.sleep(1.0)
"""


def test_a_checkpoint_file_is_handed_on_and_put_back_without_a_word_of_the_program(
    script: Path, tmp_path: Path, mark: Mark
) -> None:
    *before, last = gang(Counting(script), tmp_path, mark).events()
    assert isinstance(last, Finished) and last.outputs == {"count": "1"}, last
    [checkpoint] = {event.content for event in before if isinstance(event, Checkpoint)}
    assert checkpoint == b"1"
    again = Gang(
        Counting(script),
        tmp_path / "attempts" / "2",
        slots=2,
        inputs={CHECKPOINT: checkpoint},
        mark=mark,
        silence_seconds=60.0,
    )
    *_, last = again.events()
    assert isinstance(last, Finished) and last.outputs == {"count": "2"}, last
