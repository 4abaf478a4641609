"""A script's files as its sweep needs them."""

from pathlib import Path

import pytest

from sweeps.spec.file import parse_sweep
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.resolve import resolve_code
from tests.scripts import BARE_PYTHON


def test_the_defaults_are_those_of_the_script_after_its_patch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    line = 'import os; LR = float(os.environ.get("LR", "{}"))\n'
    Path("t.py").write_text(line.format("0.1"))
    Path("p.diff").write_text(f"--- t.py\n+++ t.py\n@@ -1 +1 @@\n-{line.format('0.1')}+{line.format('0.2')}")
    file = {
        "name": "own", "data": {"tokens": "demo"}, "seeds": {"confirm": [1]},
        "script": {"file": "t.py", "python": BARE_PYTHON, "patch": "p.diff", "train": {"metric": "m"}},
    }  # fmt: skip
    spec = parse_sweep(file, "own.toml")
    assert isinstance(spec.kind, ScriptKind)
    code, notes = resolve_code(spec, spec.kind)
    assert code.names == {"LR": "0.2"} and notes == []


@pytest.mark.parametrize(("gpus", "noted"), [(2, False), (3, True)])
def test_fewer_shards_than_ranks_are_noted_where_each_rank_reads_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpus: int, noted: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.py").write_text(
        'import glob, os\nrank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])\n'
        'files = sorted(glob.glob(os.environ["DATA_PATH"]))[rank::world]\n'
    )
    for number in range(2):
        Path(f"x_train_{number}.bin").write_bytes(b"x")
    file = {
        "name": "own", "data": {"tokens": str(tmp_path)}, "seeds": {"confirm": [1]},
        "script": {"file": "t.py", "python": BARE_PYTHON, "train": {"gpus": gpus, "metric": "m"}},
    }  # fmt: skip
    spec = parse_sweep(file, "own.toml")
    assert isinstance(spec.kind, ScriptKind)
    _, notes = resolve_code(spec, spec.kind)
    assert any("2 training shards, and each of the 3 ranks of script.train reads" in note for note in notes) == noted
