"""What tells the code that runs from other code."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.database import tables

SAY = "from jobs.machine import software; print(software.commit())"
IDENTITY = ["-c", "user.name=a", "-c", "user.email=a@b"]


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *IDENTITY, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit(folder: Path) -> str:
    """What a new process says whose sources lie in a folder."""
    done = subprocess.run([sys.executable, "-c", SAY], check=True, capture_output=True, text=True, cwd=folder)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of as much of the sources as they import."""
    root, here = tmp_path / "checkout", Path(__file__).parents[3]
    root.mkdir()
    for package in ("golf", "jobs"):
        shutil.copytree(here / package, root / package, ignore=shutil.ignore_patterns("__pycache__", "bundled"))
    (root / ".gitignore").write_text("__pycache__/\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "all")
    return root


def test_unchanged_sources_are_their_commit_and_changed_ones_each_something_else(checkout: Path) -> None:
    head = git(checkout, "rev-parse", "HEAD")
    (checkout / "notes.txt").write_text("not a source")
    assert commit(checkout) == head
    git(checkout, "add", "notes.txt")
    git(checkout, "commit", "-qm", "no source")
    assert commit(checkout) == head
    said = set()
    for change in ("# one\n", "# another\n"):
        (checkout / "golf" / "new.py").write_text(change)
        said.add(commit(checkout))
    assert len(said) == 2
    assert all(commit.startswith(f"{head}+") for commit in said)
    assert all(len(commit) <= tables.attempts.c.commit.type.length for commit in said), (
        "PostgreSQL takes no longer ones"
    )


def test_a_checkout_of_something_else_around_it_is_not_its_commit(checkout: Path) -> None:
    shutil.rmtree(checkout / ".git")
    alone = commit(checkout)
    assert alone.startswith("sources ")
    git(checkout, "init", "-q")
    git(checkout, "add", ".gitignore")
    git(checkout, "commit", "-qm", "somebody's entry")
    assert commit(checkout) == alone
