"""The walkthroughs of CONTRIBUTING.md, followed to the letter in a copy of the tree.

Each code block names its file in its first line. A python or toml block is a new file; a diff block adds its `+` lines
after the line before them. Then the walkthrough's own tests run in the copy.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TREE = ("golf", "jobs", "cluster", "sweeps", "tests", "docs", "pyproject.toml")
WALKTHROUGHS = ("sampler", "TTT protocol", "stage", "executor", "leaderboard column", "contest", "audit probe")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a walkthrough."""

    language: str
    path: str
    text: str


def blocks_of(walkthrough: str) -> list[Block]:
    """The code blocks of the section "Add a …"."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (section,) = re.findall(rf"^## Add an? {walkthrough}\n(.+?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"```(python|toml|diff)\n(# (\S+)\n)(.+?)```", section, re.DOTALL)
    return [Block(kind, path, text if kind == "diff" else first + text) for kind, first, path, text in blocks]


def follow(walkthrough: str, tree: Path) -> None:
    """Do what a walkthrough says."""
    for block in blocks_of(walkthrough):
        path = tree / block.path
        if block.language == "diff":
            apply_diff(path, block.text)
        else:
            assert not path.exists(), f"{block.path}: the walkthrough says that this file is new"
            path.write_text(block.text)


def apply_diff(path: Path, diff: str) -> None:
    """Add the `+` lines of a diff, each after the line that stands before it."""
    lines, place = path.read_text().splitlines(), -1
    for line in diff.splitlines():
        if line.startswith("+"):
            place += 1
            lines.insert(place, line[1:])
        else:
            assert line[1:] in lines[place + 1 :], f"{path.name}: has no line {line[1:]!r}"
            place = lines.index(line[1:], place + 1)
    path.write_text("\n".join(lines) + "\n")


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(tree)}
    return subprocess.run(
        [sys.executable, "-m", *command], cwd=tree, env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository in which every walkthrough is followed."""
    copy = tmp_path_factory.mktemp("tree")
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    for walkthrough in WALKTHROUGHS:
        follow(walkthrough, copy)
    return copy


@pytest.fixture(scope="module")
def outcomes(tree: Path) -> str:
    """What pytest says of all walkthroughs' tests, one line a test."""
    tests = [
        block.path
        for walkthrough in WALKTHROUGHS
        for block in blocks_of(walkthrough)
        if block.path.startswith("tests/")
    ]
    done = run(tree, "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider", *tests)
    return done.stdout + done.stderr


@pytest.mark.parametrize("walkthrough", WALKTHROUGHS)
def test_the_walkthrough_works(walkthrough: str, outcomes: str) -> None:
    (path,) = [block.path for block in blocks_of(walkthrough) if block.path.startswith("tests/")]
    assert re.search(rf"^PASSED {path}::", outcomes, re.MULTILINE), outcomes
    assert not re.search(rf"^(FAILED|ERROR) {path}", outcomes, re.MULTILINE), outcomes


def test_the_walkthroughs_are_in_the_projects_style(tree: Path) -> None:
    written = [
        block.path for walkthrough in WALKTHROUGHS for block in blocks_of(walkthrough) if block.path.endswith(".py")
    ]
    for command in (("check",), ("format", "--check")):
        done = run(tree, "ruff", *command, *dict.fromkeys(written))
        assert done.returncode == 0, done.stdout


def test_there_is_a_test_of_every_walkthrough() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^## Add an? (.+)$", text, re.MULTILINE) == list(WALKTHROUGHS)
