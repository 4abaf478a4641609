"""A participant's script runs as its author runs it: in an empty folder, with an environment of its own, unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from tests.scripts import BARE_PYTHON, run_script

TELLS = """
import json, os, sys
import helper
rank = os.environ.get("RANK", "alone")
facts = {
    "argv": sys.argv, "file": os.path.basename(__file__), "folder": os.getcwd(), "files": sorted(os.listdir(".")),
    "environment": dict(os.environ), "path": sys.path, "helper": helper.NAME, "world": os.environ.get("WORLD_SIZE"),
}
with open(f"facts.{rank}", "w") as stream:
    json.dump(facts, stream)
"""
HELPER = b"NAME = 'beside it'\n"


def facts_of(tmp_path: Path, ranks: list[str], **settings: Any) -> list[dict[str, Any]]:
    ended = run_script(
        tmp_path,
        TELLS,
        files=("helper.py",),
        inputs={"file:helper.py": HELPER, "in:weights": HELPER},
        outputs={f"facts.{rank}": f"facts.{rank}" for rank in ranks},
        **settings,
    )
    return [json.loads(ended.finished.files[f"facts.{rank}"]) for rank in ranks]


def test_ranks_under_torchrun_know_nothing_of_who_starts_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLP_HIDDEN", "1792")
    monkeypatch.setenv("ITERATIONS", "5")
    monkeypatch.setenv("GOLFSWEEP_DATABASE", "postgresql://user:secret@host/db")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    monkeypatch.setenv("NCCL_DEBUG", "WARN")
    monkeypatch.setenv("HF_HOME", "/cache")
    first, second = facts_of(
        tmp_path,
        ["0", "1"],
        launch="torchrun",
        slots=2,
        passed=("HF_HOME",),
        env={"SEED": "{seed}", "RUN_ID": "{run}", "ITERATIONS": "20", "OUT": "{out}"},
        args=("--name", "{run}"),
    )
    environment = first["environment"]
    for name in ("MLP_HIDDEN", "GOLFSWEEP_DATABASE", "PYTHONPATH", "PYTEST_CURRENT_TEST"):
        assert name not in environment
    wanted = {"SEED": "1337", "ITERATIONS": "20", "NCCL_DEBUG": "WARN", "HF_HOME": "/cache", "WORLD_SIZE": "2"}
    assert wanted.items() <= environment.items()
    assert environment["OUT"] == first["folder"]
    assert first["argv"] == ["train_gpt.py", "--name", environment["RUN_ID"]]
    assert first["file"] == "train_gpt.py"
    assert (
        {"helper.py", "train_gpt.py"} <= set(first["files"]) <= {"helper.py", "train_gpt.py", "__pycache__", "facts.1"}
    )
    assert first["helper"] == "beside it"
    assert not any(str(Path(__file__).parents[3]) == path for path in first["path"])
    assert second["world"] == "2"


def test_each_attempt_has_a_run_of_its_own(tmp_path: Path) -> None:
    runs = set()
    for number in range(2):
        (facts,) = facts_of(tmp_path / str(number), ["alone"], env={"RUN_ID": "{run}"})
        runs.add(facts["environment"]["RUN_ID"])
    assert len(runs) == 2


def test_paths_and_text_are_filled_in(tmp_path: Path) -> None:
    tokens, tokenizer = tmp_path / "datasets" / "fineweb10B_sp1024", tmp_path / "tokenizers" / "a.model"
    for path in (tokens / "fineweb_train_000000.bin", tokens / "fineweb_val_000000.bin", tokenizer):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (facts,) = facts_of(
        tmp_path,
        ["alone"],
        places={"tokens": str(tokens), "tokenizer": str(tokenizer)},
        env={
            "DATA_PATH": "{data}",
            "DATA_DIR": "{data_dir}",
            "TOKENIZER_PATH": "{tokenizer}",
            "LOAD": "{in.weights}",
            "CONFIG": '{"lr": 0.1, "name": "{{seed}}"}',
        },
        present={"weights": "helper.py"},
    )
    environment, folder = facts["environment"], facts["folder"]
    assert {name: environment[name] for name in ("DATA_PATH", "DATA_DIR", "TOKENIZER_PATH", "LOAD", "CONFIG")} == {
        "DATA_PATH": str(tokens),
        "DATA_DIR": str(tmp_path),
        "TOKENIZER_PATH": str(tokenizer),
        "LOAD": f"{folder}/helper.py",
        "CONFIG": '{"lr": 0.1, "name": "{seed}"}',
    }


def test_programs_beside_its_interpreter_are_found_as_the_check_before_finds_them(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python").symlink_to(BARE_PYTHON)
    (folder / "pack").write_text("#!/bin/sh\n")
    (folder / "pack").chmod(0o755)
    calls = "import subprocess\nsubprocess.run(['pack'], check=True)\n"
    assert run_script(tmp_path, calls, python=str(folder / "python"), needs=("bin:pack",)).finished


def test_an_interpreter_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"script\.python: /nowhere/python does not run here"):
        run_script(tmp_path, "", python="/nowhere/python")


@pytest.mark.parametrize("name", ["../beside.py", "/tmp/beside.py", ""])
def test_no_name_leads_out_of_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="leads out of the script's folder"):
        run_script(tmp_path, "", files=(name,), inputs={f"file:{name}": b""})
    with pytest.raises(InputError, match="leads out of the script's folder"):
        run_script(tmp_path, "", outputs={"weights": name})
    assert list(tmp_path.rglob("beside.py")) == []


def test_of_its_folder_what_is_small_stays_to_explain_it(tmp_path: Path) -> None:
    source = (
        "import os\nos.mkdir('logs')\nopen('logs/a.txt', 'w').write('why')\nopen('big', 'wb').write(bytes(2**21))\n"
    )
    ended = run_script(tmp_path, source)
    assert ended.finished.outputs["bytes"] == {"code": len(source)}
    left = {str(path.relative_to(ended.folder)) for path in ended.folder.rglob("*") if path.is_file()}
    assert left == {"log.txt", "run/train_gpt.py", "run/logs/a.txt"}
