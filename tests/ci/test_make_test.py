"""make test: the real Makefile, with tools that end as they are to."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYTEST = """
case "$*" in
*test-sweeps*) echo "=== 5 passed in 3.00s ===";;
*test-rest*--last-failed*) {again};;
*test-rest*) echo "tests/a.py .F"; echo "FAILED tests/a.py::test_x - no"; echo "=== 1 failed, 1 passed in 2.50s ==="
    echo "Exception ignored in atexit callback"; exit 1;;
*test-ray*) echo "=== 4 passed in 4.00s ===";;
*) {gangs}; echo "=== 3 passed in 1.00s ===";;
esac
"""
AGAIN = "echo 'FAILED tests/a.py::test_x - no'; echo '=== 1 failed in 0.50s ==='; exit 1"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with our Makefile, and tools that find nothing wrong."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    put(tmp_path / ".ci/install", "exit 0")
    for name in ("ruff", "mypy", "lint-imports"):
        put(tmp_path / ".venv/bin" / name, "exit 0")
    put(tmp_path / ".venv/bin/python", PYTEST.format(gangs="true", again=AGAIN))
    return tmp_path


def put(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def make(project: Path) -> tuple[int, list[str]]:
    """The exit code, and the lines on stdout."""
    environment = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(["make", "test"], cwd=project, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout.splitlines()


def test_the_last_lines_are_what_failed_in_every_part(project: Path) -> None:
    gangs = "sleep 0.2; echo 'ERROR tests/g.py - no Ray'"
    put(project / ".venv/bin/python", PYTEST.format(gangs=gangs, again=AGAIN))
    code, lines = make(project)
    assert code != 0
    assert "rest   | Exception ignored in atexit callback" in lines
    assert lines[-7:] == [
        "build/test-gangs.log: === 3 passed in 1.00s ===",
        "build/test-lint.log: ",
        "build/test-ray.log: === 4 passed in 4.00s ===",
        "build/test-rest.log: === 1 failed in 0.50s ===",
        "build/test-sweeps.log: === 5 passed in 3.00s ===",
        "ERROR tests/g.py - no Ray",
        "FAILED tests/a.py::test_x - no",
    ]


def test_what_a_linter_says_is_among_them_and_fails_all(project: Path) -> None:
    put(project / ".venv/bin/mypy", "echo 'golf/x.py:3: error: bad'; exit 1")
    code, lines = make(project)
    assert code != 0
    assert lines[-2:] == ["golf/x.py:3: error: bad", "FAILED tests/a.py::test_x - no"]


def test_what_passes_when_it_is_run_once_more_is_named_and_fails_nothing(project: Path) -> None:
    put(project / ".venv/bin/python", PYTEST.format(gangs="true", again="echo '=== 1 passed in 0.50s ==='"))
    code, lines = make(project)
    assert code == 0
    assert lines[-3:] == [
        "build/test-rest.log: === 1 passed in 0.50s ===",
        "build/test-sweeps.log: === 5 passed in 3.00s ===",
        "passed when run once more: FAILED tests/a.py::test_x - no",
    ]


def test_a_part_that_breaks_off_is_no_success(project: Path) -> None:
    put(project / ".venv/bin/python", PYTEST.format(gangs="kill -9 $$", again="echo '=== 1 passed in 0.50s ==='"))
    assert make(project)[0] != 0
