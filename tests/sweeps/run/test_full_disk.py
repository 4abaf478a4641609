"""A disk without room: one error that says so, nothing half-written, and the same run goes on once there is room."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from cluster.executor import Task
from jobs.errors import NO_SPACE
from jobs.files import FileStore
from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.cli.errors import ExitCode, explain
from sweeps.entries.reading import board_of
from sweeps.spec.file import SweepSpec
from sweeps.views.report import report
from tests.confined import small_disk
from tests.sweeps import inline
from tests.sweeps.inline import Record

LEFT = 8192
"""Bytes of room that no report fits into."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    with small_disk(tmp_path, "4m") as folder:
        yield folder


def test_a_content_that_does_not_fit_leaves_nothing(disk: Path) -> None:
    files = FileStore(disk / "files")
    small = files.put(b"x" * 1000)
    with pytest.raises(OSError) as full:
        files.put(b"y" * 10**7)
    assert full.value.errno in NO_SPACE
    assert [path.name for path in disk.rglob("*") if path.is_file()] == [small]


def test_a_report_that_does_not_fit_names_its_file_and_leaves_the_old_one(
    place: Workplace, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = disk / "small.html"
    old.write_text("old")
    room = os.statvfs(disk)
    (disk / "filler").write_bytes(b"x" * (room.f_bavail * room.f_bsize - LEFT))
    monkeypatch.setattr(type(place.home), "report", lambda *_: old)
    with pytest.raises(OSError) as full:
        report.write("small", board_of("small", place), place)
    problem = explain(full.value)
    assert (problem.code, problem.error) == (ExitCode.TRANSIENT, f"{old}: no space left")
    assert sorted(path.name for path in disk.iterdir()) == ["filler", "small.html"] and old.read_text() == "old"


def run_elsewhere(spec: SweepSpec, home: Path) -> int:
    """Run in a process of its own, as a command does; the exit code of an error that says that there is no room."""
    if (child := os.fork()) == 0:
        try:
            inline.run(spec, Workplace.open(home))
        except Exception as error:
            problem = explain(error)
            os._exit(problem.code if "no space left" in problem.error else 99)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_run_goes_on_where_it_stopped_once_there_is_room(
    disk: Path, data: dict[str, Any], record: Record, finished: Path
) -> None:
    spec, filler = inline.spec_of(data), disk / "filler"

    def fill(_: Task) -> None:
        if len(record.ran) == 5:
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(b"x" * 4096)

    record.before = fill
    assert run_elsewhere(spec, disk / "home") == ExitCode.TRANSIENT
    filler.unlink()
    record.before = lambda _: None
    place = Workplace.open(disk / "home")
    assert all(file.digest is not None and place.files.is_whole(file.digest) for file in place.files.files())
    before = len(place.store.jobs(states=[JobState.DONE]))
    assert before > 0
    assert inline.run(spec, place).done
    assert len(record.ran) == 12 - before
    undisturbed = board_of("small", Workplace.open(finished)).table()
    assert [row["seeds"] for row in board_of("small", place).table()] == [row["seeds"] for row in undisturbed]
