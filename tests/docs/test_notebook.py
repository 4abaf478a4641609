"""The notebook of examples/: stored without outputs, and executed as a reader would."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from tests.golf.short_corpus import put_corpus
from tests.sweeps.made_up import file, play

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "notebook.ipynb"
EXECUTE = """
import sys
import nbclient
import nbformat

path, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
nbformat.validate(notebook)
for cell in notebook.cells:
    cell.source = cell.source.replace("steps=60", "steps=3")
nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
nbformat.write(notebook, f"{folder}/executed.ipynb")
"""


def test_it_is_stored_without_outputs() -> None:
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code and all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


def test_it_runs_from_its_first_cell_to_its_last(tmp_path: Path, demo: DemoData) -> None:
    search = {"trials": 3, "documents": 4, "space": {"eval.lr": {"low": 0.001, "high": 0.1, "log": True}}}
    seeds = {"tune": [1], "confirm": [3, 4, 5]}
    play(Workplace.open(tmp_path / ".golfsweep"), file("demo", search=search, seeds=seeds, confirm={"top": 1}))
    put_corpus(demo, tmp_path / "cache")
    folders = {"XDG_CACHE_HOME": tmp_path / "cache", "IPYTHONDIR": tmp_path / "ipython", "PYTHONPATH": ROOT}
    environment = os.environ | {name: str(path) for name, path in folders.items()}
    command = [sys.executable, "-c", EXECUTE, str(NOTEBOOK), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    executed = json.loads((tmp_path / "executed.ipynb").read_text())
    results = {
        "".join(cell["source"]).splitlines()[-1]: _result(cell) for cell in executed["cells"] if "outputs" in cell
    }
    assert 3 < float(results["scores.bpb"]["text/plain"]) < 9
    assert results["adapted"]["text/plain"].startswith("Scores(")
    assert "<table" in results["results"]["text/html"]
    assert " against " in results["comparison"]["text/plain"]
    assert results["comparison.plot()"]["application/vnd.plotly.v1+json"]["data"]
    shown = [output for cell in executed["cells"] for output in cell.get("outputs", ()) if output.get("name")]
    assert any("train: 3 steps" in "".join(output["text"]) for output in shown)  # progress is on in a notebook


def _result(cell: dict[str, Any]) -> dict[str, Any]:
    """What a cell's last expression shows, by kind."""
    shown = [output["data"] for output in cell["outputs"] if "data" in output]
    return {
        kind: text if isinstance(text, dict) else "".join(text) for kind, text in (shown[-1] if shown else {}).items()
    }
