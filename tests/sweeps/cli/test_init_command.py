"""The command init, and what a plan says of the script that it drafted for."""

import json
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps import cli
from tests.schemas import check_document

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def golfsweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run a command in this process and an empty folder; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in words:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    return run


def test_a_draft_is_written_and_never_over_a_file(golfsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("from lib import env\nx = env('ITERATIONS', 3)\n")
    (tmp_path / "lib.py").write_text("import os\ndef env(name, default): return int(os.environ.get(name, default))\n")
    code, out, err = golfsweep("init", "train.py", "--beside", "lib.py", "--python", "/usr/bin/python3", "--gpus", "2")
    assert (code, err) == (0, "")
    assert out == (
        "Wrote sweep.toml.\n1 environment variables, lines with scores: none found\nNext: golfsweep plan sweep.toml\n"
    )
    written = (tmp_path / "sweep.toml").read_text()
    script = tomllib.loads(written)["script"]
    assert (script["file"], script["files"], script["python"]) == ("train.py", ["lib.py"], "/usr/bin/python3")
    assert '# ITERATIONS = "3"' in written
    code, out, err = golfsweep("init", "train.py")
    assert (code, out) == (2, "")
    assert err == ("golfsweep: sweep.toml: exists already and is not overwritten; name another file with --out\n")
    assert (tmp_path / "sweep.toml").read_text() == written
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lib.py", "sweep.toml", "train.py"]


def test_it_says_as_json_what_it_wrote(golfsweep: Command, tmp_path: Path) -> None:
    assert json.loads(golfsweep("init", "--out", "native.toml", "--json")[1]) == {"file": "native.toml", "script": None}
    (tmp_path / "train.py").write_text("import os\nx = os.environ['A']\ny = f(os.environ)\n")
    assert json.loads(golfsweep("init", "train.py", "--json")[1]) == {
        "file": "sweep.toml",
        "script": "train.py",
        "names": ["A"],
        "unread": ["train.py, line 3: it hands on the environment as a whole"],
    }


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["no.py"], "no.py: cannot be read (No such file or directory); expected a training script"),
        (["."], ".: not a file; expected a training script"),
        (["--beside", "lib.py"], "--beside: files lie beside a script; name the script, too"),
        (["--out", "/proc/no/sweep.toml"], "/proc/no/sweep.toml: cannot be written"),
    ],
)
def test_what_is_wrong_is_one_line(golfsweep: Command, words: list[str], problem: str) -> None:
    code, out, err = golfsweep("init", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_a_plan_warns_of_what_the_text_of_a_script_does_not_show(golfsweep: Command, tmp_path: Path) -> None:
    printed = "print(f'final_int8_zlib_roundtrip val_loss:{x:.4f} val_bpb:{y:.4f}')\n"
    (tmp_path / "train.py").write_text(f"import os\nx, y = f(os.environ), os.environ['A']\n{printed}")
    (tmp_path / "sweep.toml").write_text(
        'name = "own"\n[data]\ntokens = "demo"\n[script]\nfile = "train.py"\nenv = { A = 1, B = 2 }\n'
        '[script.train]\nmetric = "final_int8_zlib_rountrip"\n[seeds]\ntune = [1]\nconfirm = [2]\n'
        '[[arm]]\nname = "a"\nbaseline = true\n'
    )
    code, out, err = golfsweep("plan", "sweep.toml", "--json", "--slots", "1")
    assert (code, json.loads(out)["name"]) == (0, "own")
    assert [line.partition("; ")[0] for line in err.splitlines()] == [
        "train.py: B: the script does not read it",
        'train.py: its text shows no line "final_int8_zlib_rountrip" with a score, the metric of this sweep',
    ]
