"""Colleagues who may only read: looking at a home needs no permission to write, and writes nothing."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.database.engine import HEAD
from jobs.paths import Home
from jobs.workplace import Workplace
from tests.confined import bound_by_modes
from tests.sweeps.made_up import file, play

LOOK = """
import contextlib, io, json, sys
from sweeps import cli
for words in json.loads(sys.argv[1]):
    sys.argv = ["golfsweep", *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
    print(json.dumps([code, out.getvalue(), err.getvalue()]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("read only") / "home"
    place = Workplace.open(root)
    play(place, file("main"))
    place.store.close()
    return root


@pytest.fixture
def home(made: Path) -> Iterator[Path]:
    """A home that may be read, and not written to."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(shutil.copytree(made, Path(folder) / "it's a home"))
        yield root
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def look(home: Path, *commands: list[str]) -> list[tuple[int, str, str]]:
    """Run commands as somebody who may only read; exit code, stdout and stderr of each."""
    subprocess.run(["chmod", "-R", "a-w", str(home)], check=True)
    prefix = bound_by_modes()
    words = json.dumps([[*command, "--home", str(home)] for command in commands])
    command = [*prefix, sys.executable, "-c", LOOK, words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return [tuple(json.loads(line)) for line in done.stdout.splitlines()]


def listing(home: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in home.rglob("*")}


def test_all_that_looks_works_and_nothing_is_written(home: Path) -> None:
    before = listing(home)
    commands = [
        ["leaderboard", "--json"], ["status", "--json"], ["show", "main"], ["show", "main/base", "--json"],
        ["compare", "none", "base", "--json"], ["gc"], ["cancel", "main"], ["logs", "base seed 3", "-f", "--json"],
    ]  # fmt: skip
    shown = look(home, *commands)
    assert [code for code, _, _ in shown] == [0, 0, 0, 0, 0, 0, 3, 0], shown
    assert [row["name"] for row in json.loads(shown[0][1])["rows"]] == ["base", "none", "leak"]
    assert json.loads(shown[1][1])["sweeps"][0]["state"] == "done"
    assert json.loads(shown[3][1])["mismatches"] == []
    assert json.loads(shown[4][1])["report"] is None
    assert shown[6][2].count("\n") == 1 and "readonly database" in shown[6][2]
    assert listing(home) == before


@pytest.mark.parametrize("ends", ["stays", "was killed"])
def test_what_a_writer_has_not_merged_into_the_file_yet_is_read(home: Path, ends: str) -> None:
    """Its log lies beside the file as long as it has the database open, and after it was killed."""
    kill = "os.kill(os.getpid(), 9)" if ends == "was killed" else "sys.stdin.read()"
    code = f"import os, sys; from jobs.store import Store; store = Store.open({str(Home(home).database_url)!r})"
    code += f"; store.put_sweep('second', {{}}); print('open', flush=True); {kill}"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None and writer.stdout.readline() == b"open\n"
        if ends == "was killed":
            writer.wait()
        [(code_, out, err)] = look(home, ["status", "--json"])
    assert code_ == 0, err
    assert [sweep["name"] for sweep in json.loads(out)["sweeps"]] == ["main", "second"]


def test_a_database_that_has_to_be_migrated_is_left_to_its_owner(home: Path) -> None:
    with sqlite3.connect(home / "golfsweep.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    connection.close()
    before = listing(home)
    [(code, out, err)] = look(home, ["status"])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"of version 0004, must be migrated to {HEAD}, and you may not write to it" in err
    assert listing(home) == before


def test_contents_that_may_not_be_read_are_left_out(home: Path) -> None:
    for path in (home / "files").rglob("*"):
        if path.is_file():
            path.chmod(0)
    subprocess.run(["chown", "-R", "65534", str(home / "files")], check=os.getuid() == 0)
    [(code, out, err)] = look(home, ["leaderboard", "--json"])
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    assert {row["p_paired"] for row in document["rows"]} == {None}
    assert "document scores of main/" in document["notes"][0]
