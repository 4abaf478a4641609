"""The measurements of a GPU, at a toy's size on the CPU."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import gpu
from benchmarks.gpu_steps.sizes import Row


@pytest.mark.parametrize("name", gpu.STEPS)
def test_each_step_gives_rows_and_agrees_with_what_it_predicts(name: str) -> None:
    rows: list[Row] = []
    gpu.run_step(name, rows.append)
    assert rows
    for line in rows:
        assert line["value"] is not None
        if isinstance(line["predicted"], bool) or line["predicted"] == 0.0:
            assert line["value"] == line["predicted"], line


def test_all_steps_together_end_in_less_than_ten_minutes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gpu.TOTAL_SECONDS < 600
    monkeypatch.setattr(gpu, "TOTAL_SECONDS", 0.0)
    assert gpu.main([]) == 1
    assert capsys.readouterr().out.count("FAILED: took more than its limit of 0 s") == len(gpu.STEPS)


def test_a_step_that_fails_or_hangs_costs_no_other_its_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps: dict[str, tuple[Any, float]] = {"versions": gpu.STEPS["versions"], "attention kernel": (None, 0.01)}
    monkeypatch.setattr(gpu, "STEPS", steps)
    assert gpu.main(["--json", str(tmp_path / "results.json")]) == 1
    first, second = json.loads((tmp_path / "results.json").read_text())
    assert first["rows"][0]["what"] == "torch"
    assert first["problem"] is None
    assert second["problem"] == "took more than its limit of 0.01 s"
    assert "FAILED: took more than its limit" in capsys.readouterr().out


def test_it_needs_neither_ray_nor_pydantic() -> None:
    """A machine that only measures has neither: the import of one would end the process."""
    hidden = "import sys; sys.modules.update(dict.fromkeys(('ray', 'pydantic', 'sqlalchemy', 'optuna', 'pandas')))"
    script = f"{hidden}\nfrom benchmarks import gpu\nsys.exit(gpu.main(['--step', 'attention kernel']))"
    root = Path(gpu.__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(gpu.MARK)
