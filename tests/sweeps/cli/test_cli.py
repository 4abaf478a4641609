"""Commands as a user types them: what they print, and one line for whatever is wrong."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from golf.data.corpus import DemoData
from golf.data.tokens import HEADER_BYTES, write_shard
from golf.selftest import BUNDLED
from jobs.paths import Home
from tests.confined import small_disk
from tests.sweeps.conftest import Command

TINY = Path(__file__).parents[2] / "tiny.toml"
GOLDEN = BUNDLED[0]


@pytest.fixture
def sweep(tmp_path: Path) -> Callable[..., Path]:
    """The tiny sweep's file with some text replaced."""

    def write(old: str = "", new: str = "") -> Path:
        text = TINY.read_text()
        assert old in text
        path = tmp_path / "a sweep.toml"
        path.write_text(text.replace(old, new, 1))
        return path

    return write


@pytest.fixture
def shards(demo: DemoData, tmp_path: Path) -> Iterator[Path]:
    """A copy of the bundled corpus that a test may spoil."""
    yield Path(shutil.copytree(demo.tokens, tmp_path / "it's data"))


# A sweep's file


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("train.steps", "train.stepz", ("train.stepz", "did you mean train.steps?")),
        ("[seeds]", "[seedz]", ("seedz", "did you mean seeds?")),
        ('"score-first"', '"score-frist"', ("eval.preset", "score-frist", "did you mean score-first?")),
        ("eval.chunk = 512", 'eval.chunk = "many"', ("eval.chunk = 'many'", "integer")),
        ("confirm = [3, 4]", "confirm = [1, 4]", ("seeds.confirm", "1 is in seeds.tune already")),
        ("trials = 4", "trials = 0", ("search.trials = 0",)),
        ('"eval.lr"', '"eval.lrr"', ("eval.lrr", "did you mean eval.lr, eval.ranks or eval.alpha?")),
        ("low = 1e-4", "low = -1", ('search.space."eval.lr"', "low = -1")),
        ("num_layers = 2", "num_layers = 0", ("train.model.num_layers = 0",)),
        ('name = "tiny"', 'name = "../tiny"', ("name = '../tiny'",)),
    ],
)
def test_what_is_wrong_in_a_sweep_file_is_named(
    refused: Callable[..., str], sweep: Callable[..., Path], tmp_path: Path, old: str, new: str, words: tuple[str, ...]
) -> None:
    line = refused("run", sweep(old, new), "--home", tmp_path / "home")
    for word in ("a sweep.toml", *words):
        assert word in line
    assert not (tmp_path / "home").exists()


def test_a_file_that_is_none_is_named(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "cannot be read" in refused("run", tmp_path / "missing.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    assert "not UTF-8" in refused("run", tmp_path / "bytes.toml")
    (tmp_path / "text.toml").write_text("name = ")
    assert "not TOML" in refused("run", tmp_path / "text.toml")
    assert "expected key=value" in refused("run", TINY, "--set", "eval.epochs", "--home", tmp_path)
    assert "vocab_size = 7" in refused("run", TINY, "--set", "train.model.vocab_size=7", "--home", tmp_path)


# Data


def spoil_nothing(folder: Path) -> None:
    shutil.rmtree(folder)


def spoil_magic(folder: Path) -> None:
    shard = next(folder.glob("*_train_*.bin"))
    content = bytearray(shard.read_bytes())
    content[:4] = np.int32(1).tobytes()
    shard.write_bytes(content)


def spoil_length(folder: Path) -> None:
    shard = next(folder.glob("*_val_*.bin"))
    shard.write_bytes(shard.read_bytes()[:-1000])


def spoil_header(folder: Path) -> None:
    next(folder.glob("*_val_*.bin")).write_bytes(b"\0" * (HEADER_BYTES - 1))


def spoil_validation(folder: Path) -> None:
    next(folder.glob("*_val_*.bin")).unlink()


def spoil_tokenizer(folder: Path) -> None:
    next(folder.glob("*.model")).write_bytes(b"no tokenizer")


def spoil_tokenizer_away(folder: Path) -> None:
    next(folder.glob("*.model")).unlink()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (spoil_nothing, "it's data"),
        (spoil_magic, "_train_"),
        (spoil_length, "_val_"),
        (spoil_header, "_val_"),
        (spoil_validation, "_val_"),
        (spoil_tokenizer, ".model"),
        (spoil_tokenizer_away, ".model"),
    ],
)
def test_damaged_data_are_refused_before_anything_runs(
    refused: Callable[..., str],
    sweep: Callable[..., Path],
    shards: Path,
    tmp_path: Path,
    spoil: Callable[[Path], None],
    word: str,
) -> None:
    model = next(shards.glob("*.model"))
    spoil(shards)
    file = sweep('tokens = "demo"', f'tokens = "{shards}"\ntokenizer = "{model}"\ntuning_documents = 16')
    assert word in refused("run", file, "--home", tmp_path / "home", "--here")
    assert not list((tmp_path / "home").rglob("*.bin"))


# Places


def test_places_that_cannot_be_used_are_named(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert "--home" in refused("run", TINY, "--home", tmp_path / "file" / "home")
    assert "--db" in refused("run", TINY, "--home", tmp_path, "--db", "nonsense")
    (tmp_path / "text.db").write_text("no database" * 100)
    assert "text.db" in refused("status", "--home", tmp_path, "--db", f"sqlite:///{tmp_path}/text.db")
    with sqlite3.connect(tmp_path / "foreign.db") as connection:
        connection.execute("CREATE TABLE other (x)")
    assert "something else" in refused("status", "--home", tmp_path, "--db", f"sqlite:///{tmp_path}/foreign.db")


def test_services_that_are_away_are_named(golfsweep: Command, tmp_path: Path) -> None:
    code, out, err = golfsweep("run", TINY, "--home", tmp_path, "--ray", "127.0.0.1:1")
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "--ray 127.0.0.1:1: cannot be reached" in err
    code, out, err = golfsweep("status", "--home", tmp_path, "--db", "postgresql://me:secret@127.0.0.1:1/x", "--json")
    assert (code, err.count("\n")) == (3, 1)
    assert "unavailable" in err
    assert "secret" not in err + out
    assert json.loads(out)["code"] == 3


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    with small_disk(tmp_path, "600k") as disk:
        words = [sys.executable, "-m", "sweeps.cli", "run", str(TINY), "--home", str(disk / "home"), "--here"]
        done = subprocess.run(words, capture_output=True, text=True, timeout=120)
        left = [path for path in disk.rglob("*") if path.is_file() and path.parts[-2] in ("files", "data")]
    assert done.returncode == 3, done.stderr
    assert "no space left" in done.stderr
    assert done.stderr.count("\n") == 1
    assert left == []


# One machine's commands


@pytest.fixture(scope="module")
def shard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two of the golden documents as a shard."""
    documents = json.loads((GOLDEN / "cases.json").read_text())["documents"]
    tokens = np.concatenate([np.array(documents[i][:-1], np.uint16) for i in (0, 1)])
    header = np.zeros(256, np.int32)
    header[:3] = 20240520, 1, len(tokens)
    path = tmp_path_factory.mktemp("a shard") / "golden_val_000000.bin"
    path.write_bytes(header.tobytes() + tokens.tobytes())
    return path


def test_eval_scores_a_state_dict(golfsweep: Command, shard: Path) -> None:
    code, out, err = golfsweep(
        "eval", GOLDEN / "model.safetensors", "--tokens", shard, "--tokenizer", GOLDEN / "sp1024.model",
        "--preset", "none", "--json",
    )  # fmt: skip
    assert code == 0, err
    scored: dict[str, Any] = json.loads(out)
    assert list(scored) == ["nll_per_token", "bpb", "tokens", "bytes", "documents", "seconds", "device", "scores"]
    assert scored["documents"] == 2
    assert scored["tokens"] == sum(document["tokens"] for document in scored["scores"])
    assert scored["nll_per_token"] == pytest.approx(
        sum(document["nll"] for document in scored["scores"]) / scored["tokens"]
    )
    assert scored["bpb"] == pytest.approx(scored["nll_per_token"] * scored["tokens"] / scored["bytes"] / np.log(2))


def test_eval_refuses_what_it_cannot_use(refused: Callable[..., str], shard: Path, tmp_path: Path) -> None:
    model, pieces = GOLDEN / "model.safetensors", GOLDEN / "sp1024.model"
    rest = ("--tokens", shard, "--tokenizer", pieces)
    assert "missing.golf" in refused("eval", tmp_path / "missing.golf", *rest)
    (tmp_path / "text.golf").write_text("no artifact")
    assert "text.golf" in refused("eval", tmp_path / "text.golf", *rest)
    (tmp_path / "short.safetensors").write_bytes(model.read_bytes()[:5000])
    assert "short.safetensors" in refused("eval", tmp_path / "short.safetensors", *rest)
    assert "did you mean chimera-611?" in refused("eval", model, *rest, "--preset", "chimera")
    assert "eval.epoch" in refused("eval", model, *rest, "--set", "eval.epoch=2")
    assert "takes eval.*" in refused("eval", model, *rest, "--set", "train.steps=2")
    assert "missing.bin" in refused("eval", model, "--tokens", tmp_path / "missing.bin", "--tokenizer", pieces)
    assert "Missing" in refused("eval", model)
    write_shard(tmp_path / "empty.bin", [1, 1])
    empty = refused("eval", model, "--tokens", tmp_path / "empty.bin", "--tokenizer", pieces)
    assert "empty.bin: its documents have no text" in empty


def test_train_writes_a_seed(golfsweep: Command, demo: DemoData, tmp_path: Path) -> None:
    out_folder = tmp_path / "a seed"
    sets = "train.steps=3", "train.batch_tokens=256", "train.seq_len=128", "train.warmup_steps=1"
    shape = "train.model={num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24}"
    words = [word for assignment in (*sets, shape) for word in ("--set", assignment)]
    code, out, err = golfsweep("train", "--tokens", demo.tokens, "--out", out_folder, "--json", *words)
    assert code == 0, err
    trained = json.loads(out)
    assert trained["steps"] == 3
    assert Path(trained["weights"]).stat().st_size > 0


def test_selftest_and_doctor_judge_this_machine(golfsweep: Command, tmp_path: Path) -> None:
    vectors = json.loads((BUNDLED[1] / "cases.json").read_text())  # all of them: tests/golf/test_selftest.py
    case = vectors["cases"]["base"]
    shortest = {"documents": vectors["documents"][:1], "cases": {"base": case | {"documents": case["documents"][:1]}}}
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "cases.json").write_text(json.dumps(shortest))
    (folder / "model.safetensors").symlink_to(BUNDLED[1] / "model.safetensors")
    code, out, _ = golfsweep("selftest", folder, "--json")
    assert code == 0
    report = json.loads(out)
    assert set(report) == {"device", "dtype", "cases"}
    assert max(case["max_difference"] for case in report["cases"]) < 1e-5
    home = tmp_path / "home"
    home.mkdir()
    code, out, _ = golfsweep("doctor", "--home", home, "--json")
    assert json.loads(out)["good"] is True
    assert code == 0
    assert not list(home.iterdir())


def test_an_empty_home_has_no_rows(golfsweep: Command, tmp_path: Path) -> None:
    code, out, _ = golfsweep("leaderboard", "--json", "--home", tmp_path)
    empty = {"rows": [], "frontier": [], "superseded": [], "notes": []}
    assert (code, json.loads(out)) == (0, {"schema_version": 1} | empty)
    assert golfsweep("status", "--json", "--home", tmp_path)[:2] == (0, '{\n  "sweeps": []\n}\n')


def test_a_plan_says_what_would_be_run_and_how_sure_it_is(
    golfsweep: Command, sweep: Callable[..., Path], demo: DemoData, tmp_path: Path
) -> None:
    shutil.copytree(demo.tokens, Home(tmp_path / "home").demo)
    code, out, _ = golfsweep(
        "plan", sweep(), "--nodes", 2, "--slots", 2, "--home", tmp_path / "home", "--json", "--quick"
    )
    assert code == 0
    plan = json.loads(out)
    assert {kind: stage["jobs"] for kind, stage in plan["stages"].items()} == {
        "train": 3, "quantize": 3, "eval": 13, "audit": 7,
    }  # fmt: skip
    assert (plan["nodes"], plan["slots"], plan["complete"]) == (2, 4, True)
    assert plan["unknown"] == []
    assert plan["basis"]["guess"] == 1.0
    assert plan["gpu_hours"] == pytest.approx(plan["dollars"])
    assert {job["state"] for job in plan["jobs"]} == {"new"}
    assert plan["jobs"][0]["why"] == "no train job is finished yet"
    code, out, _ = golfsweep("plan", sweep(), "--nodes", 2, "--slots", 2, "--home", tmp_path / "home", "--quick")
    assert code == 0
    assert "Plan of tiny" in out
    assert "Based on: nominal figures of cpu " in out
    assert "node 1.1 " in out
    code, _, err = golfsweep("plan", sweep(), "--slots", 1, "--home", tmp_path / "home", "--quick")
    assert (code, err.count("\n")) == (2, 1)
    assert "--slots 1: a job of this sweep needs 2 slots" in err


def test_names_that_nothing_goes_by(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "there are: none yet" in refused("leaderboard", "nothing", "--home", tmp_path)
    assert "no sweep, entry or job has that name" in refused("show", "abcdef", "--home", tmp_path)
