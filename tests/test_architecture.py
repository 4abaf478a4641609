"""The house: what stands alone does, and what the documents name is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

ALONE = """
import sys
for name in ("ray", "optuna", "pandas", "sqlalchemy", "pydantic", "typer", "plotly", "scipy"):
    sys.modules[name] = None  # as if it were not installed

from pathlib import Path
import numpy as np
from golf import artifact, corpus, presets, selftest
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
