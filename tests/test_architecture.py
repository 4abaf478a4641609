"""The house: what stands alone does, and what the documents name is there."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALONE = """
import sys
for name in ("ray", "optuna", "pandas", "sqlalchemy", "pydantic", "typer", "plotly", "scipy"):
    sys.modules[name] = None  # as if it were not installed

from pathlib import Path
import numpy as np
from golf import artifact, presets, selftest
from golf.data import corpus
from golf.model import ModelConfig
from golf.train import TrainConfig, train
from golf.ttt import EvalConfig, evaluate

shape = ModelConfig(num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, vocab_size=64)
config = TrainConfig(max_seconds=None, steps=2, batch_tokens=64, seq_len=32, warmup_steps=1, model=shape)
tokens = np.random.default_rng(0).integers(0, 64, 500)
weights = train(config, tokens=tokens, seed=1, out=Path(sys.argv[1]))
scores = evaluate(artifact.load(weights), [tokens[:100]], EvalConfig(chunk=16, window=32))
print(scores.nll_per_token)
"""


def test_golf_trains_and_evaluates_without_the_rest(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert 3 < float(done.stdout) < 6


DOCUMENTS = [
    *("README.md", "CHANGELOG.md", "SECURITY.md", "golf/bundled/README.md", "cluster/deploy/README.md"),
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_names_exist(document: str) -> None:
    path = ROOT / document
    text = path.read_text()
    linked = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in target]
    named = re.findall(r"\b((?:golf|jobs|cluster|sweeps|tests|docs|examples)/[\w./-]+\.\w+)", text)
    for target in linked:
        assert (path.parent / target).exists(), target
    for target in named:
        assert (ROOT / target).exists(), target


def test_modules_that_the_architecture_names_exist() -> None:
    text = (ROOT / "docs/ARCHITECTURE.md").read_text()
    for package, module in re.findall(r"`(golf|jobs|cluster|sweeps)\.(\w+)`", text):
        path = ROOT / package / module
        assert path.with_suffix(".py").exists() or path.is_dir(), f"{package}.{module}"


def test_every_command_of_the_readme_is_one() -> None:
    from sweeps.cli import app

    known = {
        (command.name or (command.callback.__name__ if command.callback else "")) for command in app.registered_commands
    }
    known |= {group.name for group in app.registered_groups}
    used = set(re.findall(r"`golfsweep (\w+)", (ROOT / "README.md").read_text()))
    assert used <= known


def test_every_module_says_what_it_is_for() -> None:
    for package in ("golf", "jobs", "cluster", "sweeps", "tests"):
        for path in (ROOT / package).rglob("*.py"):
            if "versions" not in path.parts and path.name != "env.py" and path.stat().st_size:
                assert path.read_text().startswith('"""'), path


PACKAGES = ("golf", "jobs", "cluster", "sweeps")
MOST_MODULES = 13
"""Modules of a folder, beside __init__: more than about ten are two rooms."""
NAMELESS = {"utils", "util", "common", "helpers", "misc"}


def folders() -> Iterator[Path]:
    """Every folder of the packages that holds modules."""
    for package in PACKAGES:
        yield from sorted({path.parent for path in (ROOT / package).rglob("*.py")})


def test_no_folder_has_more_modules_than_a_newcomer_can_survey() -> None:
    counts = {folder: len([path for path in folder.glob("*.py") if path.name != "__init__.py"]) for folder in folders()}
    assert {str(folder): count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_every_module_has_a_name_of_its_own() -> None:
    names = {path.stem for folder in folders() for path in folder.glob("*.py")} | {folder.name for folder in folders()}
    assert names & NAMELESS == set()


def test_every_public_class_has_a_name_of_its_own() -> None:
    places: dict[str, list[str]] = {}
    for path in (path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path.relative_to(ROOT)))
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}


NOT_IN_THE_WEB = ("sweeps.run", "sweeps.driver", "sweeps.planning", "cluster", "torch", "ray")


def imports_of(folder: Path) -> set[str]:
    """Modules that a folder's modules import, at their top or inside a function."""
    names: set[str] = set()
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module is not None:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def not_for_the_web(folder: Path) -> set[str]:
    """Imports of a folder that a web service must not have: it reads the database, and runs nothing."""
    banned = tuple(f"{module}." for module in NOT_IN_THE_WEB)
    return {name for name in imports_of(folder) if f"{name}.".startswith(banned)}


def test_no_text_repeats_a_value_of_unknown_length() -> None:
    """A value is put into a text by `golf.errors.shown`, which cuts it; constants may be written as Python does."""
    whole = [
        f"{path.relative_to(ROOT)}:{part.lineno}: {{{ast.unparse(part.value)}!r}}"
        for package in ("golf", "jobs", "cluster", "sweeps")
        for path in (ROOT / package).rglob("*.py")
        for part in ast.walk(ast.parse(path.read_text()))
        if isinstance(part, ast.FormattedValue) and part.conversion in (ord("r"), ord("a"))
        if not (isinstance(part.value, ast.Name) and part.value.id.isupper())
    ]
    assert not whole


def test_the_web_service_imports_nothing_that_runs(tmp_path: Path) -> None:
    assert not_for_the_web(ROOT / "sweeps/web") == set()  # also while there is none
    (tmp_path / "page.py").write_text(
        "import torch\nfrom sweeps.driver import driver\nfrom sweeps.entries import reading\n"
    )
    assert not_for_the_web(tmp_path) == {"torch", "sweeps.driver.driver"}
