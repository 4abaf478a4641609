"""What an installed golfsweep must bring with it, and what its metadata says."""

import re
import tomllib
from importlib import resources
from importlib.metadata import metadata, version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

DATA = [
    ("golf", "bundled/sotu.jsonl.zst"),
    ("golf", "bundled/golden/cases.json"),
    ("jobs", "database/migrations/env.py"),
    ("jobs", "database/migrations/versions/v0001_first_tables.py"),
    ("sweeps", "views/components/assets/golfsweep.css"),
    ("sweeps", "views/components/assets/golfsweep.js"),
    ("sweeps", "views/components/charts/figure.html.j2"),
    ("sweeps", "views/components/panels/verdict_bar.html.j2"),
    ("sweeps", "views/report/templates/page.html.j2"),
    *((package, "py.typed") for package in ("golf", "jobs", "cluster", "sweeps")),
]


@pytest.mark.parametrize(("package", "name"), DATA)
def test_the_package_has_the_file_and_the_wheel_takes_it(package: str, name: str) -> None:
    assert (resources.files(package) / name).is_file()
    patterns = PROJECT["tool"]["setuptools"]["package-data"][package]
    root = ROOT / package
    packaged = {path for pattern in patterns for path in root.glob(pattern)}
    assert root / name in packaged or name.endswith(".py")


def test_every_folder_with_modules_is_a_package() -> None:
    """A folder without `__init__.py` would be left out of the wheel."""
    for package in ("golf", "jobs", "cluster", "sweeps"):
        for module in (ROOT / package).rglob("*.py"):
            assert (module.parent / "__init__.py").is_file(), module


def test_the_version_is_written_in_one_place() -> None:
    ours = PROJECT["project"]["version"]
    assert version("golfsweep") == ours
    sources = [path for package in ("golf", "jobs", "cluster", "sweeps") for path in (ROOT / package).rglob("*.py")]
    assert not [path for path in sources if f'"{ours}"' in path.read_text()]


def test_the_changelog_has_the_version_and_what_comes_next() -> None:
    headings = re.findall(r"^## \[([^\]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert PROJECT["project"]["version"] in headings


def test_the_metadata_name_license_and_authors() -> None:
    ours = metadata("golfsweep")
    project = PROJECT["project"]
    assert project["license"] == "MIT"
    assert (ROOT / project["license-files"][0]).read_text().startswith("MIT License")
    assert ours["Name"] == project["name"] == "golfsweep"


def test_hooks_and_ci_run_what_the_makefile_runs() -> None:
    makefile, hooks = (ROOT / "Makefile").read_text(), (ROOT / ".pre-commit-config.yaml").read_text()
    for command in re.findall(r"entry: \.venv/bin/(\w+(?: check| format)?)", hooks):
        assert f"$(BIN)/{command}" in makefile
    assert ".ci/run" in (ROOT / ".github/workflows/ci.yml").read_text()
    assert "make test" in (ROOT / ".ci/run").read_text()
