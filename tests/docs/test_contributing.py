"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the tree.

Each code block names its file in its first line. A python block is a new file; a diff block adds its `+` lines after
the line before them. Then the recipe's own tests run in the copy.
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
RECIPES = ("sampler", "TTT protocol", "stage", "executor", "leaderboard column", "audit probe")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block of a recipe."""

    language: str
    path: str
    text: str


def blocks_of(recipe: str) -> list[Block]:
    """The code blocks of the section "Add a …"."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (section,) = re.findall(rf"^## Add an? {recipe}\n(.+?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    blocks = re.findall(r"```(python|diff)\n(# (\S+)\n)(.+?)```", section, re.DOTALL)
    return [Block(kind, path, first + text if kind == "python" else text) for kind, first, path, text in blocks]


def follow(recipe: str, tree: Path) -> None:
    """Do what a recipe says."""
    for block in blocks_of(recipe):
        path = tree / block.path
        if block.language == "diff":
            apply_diff(path, block.text)
        else:
            assert not path.exists(), f"{block.path}: the recipe says that this file is new"
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
    """A copy of the repository in which every recipe is followed."""
    copy = tmp_path_factory.mktemp("tree")
    for name in TREE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    for recipe in RECIPES:
        follow(recipe, copy)
    return copy


@pytest.fixture(scope="module")
def outcomes(tree: Path) -> str:
    """What pytest says of all recipes' tests, one line a test."""
    tests = [block.path for recipe in RECIPES for block in blocks_of(recipe) if block.path.startswith("tests/")]
    done = run(tree, "pytest", "-rA", "--tb=short", "-p", "no:cacheprovider", *tests)
    return done.stdout + done.stderr


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_recipe_works(recipe: str, outcomes: str) -> None:
    (path,) = [block.path for block in blocks_of(recipe) if block.path.startswith("tests/")]
    assert re.search(rf"^PASSED {path}::", outcomes, re.MULTILINE), outcomes
    assert not re.search(rf"^(FAILED|ERROR) {path}", outcomes, re.MULTILINE), outcomes


def test_the_recipes_are_in_the_style_of_the_house(tree: Path) -> None:
    written = [block.path for recipe in RECIPES for block in blocks_of(recipe) if block.path.endswith(".py")]
    for command in (("check",), ("format", "--check")):
        done = run(tree, "ruff", *command, *dict.fromkeys(written))
        assert done.returncode == 0, done.stdout


def test_there_are_six_recipes() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    assert re.findall(r"^## Add an? (.+)$", text, re.MULTILINE) == list(RECIPES)
