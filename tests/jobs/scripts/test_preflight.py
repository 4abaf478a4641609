"""What is checked on a node before a script starts there, with real interpreters and commands."""

import os
import stat
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from golf.data.tokens import write_shard
from golf.errors import InputError
from jobs.machine.digests import digest_folder, digest_of
from jobs.scripts import preflight as room
from jobs.scripts.preflight import Preflight
from jobs.scripts.runtime import Runtime, read_runtime
from jobs.stages.script import script_stage

OWN_SHARDS = b"files = sorted(glob.glob(pattern))[rank::world_size]\n"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter whose torch is a small module of ours, so that it starts at once."""
    folder = tmp_path_factory.mktemp("pod") / "bin"
    (folder / "modules" / "torch").mkdir(parents=True)
    cuda = "class cuda:\n    is_available = staticmethod(lambda: True)\n"
    cuda += "    get_device_name = staticmethod(lambda i: 'GPU')\n"
    text = f"print('noise of torch')\n__version__ = '2.9.1+cu128'\nclass version:\n    cuda = '12.8'\n{cuda}"
    (folder / "modules" / "torch" / "__init__.py").write_text(text)
    file = folder / "python"
    file.write_text(f'#!/bin/sh\nPYTHONPATH="{folder}/modules" exec "{sys.executable}" -S "$@"\n')
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def check_node(preflight: Preflight, folder: Path, own: Mapping[str, str]) -> list[str]:
    return list(room.check_node(preflight, folder, own).problems)


@pytest.fixture
def good(python: str) -> Preflight:
    return Preflight(file="train.py", python=python, contents={"train.py": b"print('it ran')\n", "lib.py": b"x = 1\n"})


def test_an_interpreter_says_what_it_is(python: str) -> None:
    assert read_runtime(python, os.environ) == Runtime(python="3.11", torch="2.9", cuda="12.8", device="GPU")


@pytest.mark.parametrize("wrong", ["/no/such/python", "/bin/false", "/etc/hostname"])
def test_what_is_no_interpreter_is_said(wrong: str, good: Preflight, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=rf"^script.python: {wrong} does not run"):
        read_runtime(wrong, os.environ)
    (problem,) = check_node(replace(good, python=wrong), tmp_path, os.environ)
    assert problem.startswith(f"script.python: {wrong} does not run")


def test_each_thing_that_is_missing_has_a_line(good: Preflight, tmp_path: Path) -> None:
    contents = {"train.py": b"x = (\n", "lib.py": b"import os\n", "notes.txt": b"("}
    checked = replace(
        good,
        contents=contents,
        needs=["json", "lib", "no_such_module", "no.such.module", "bin:sh", "bin:no-such-program"],
        tokens=tmp_path,
        tokenizer=tmp_path / "no.model",
        runtime={"torch": "2.11", "cuda": "12.8"},
    )
    problems = check_node(checked, tmp_path / "checks", os.environ)
    expected = ["no.model", "no *_train_*.bin", "train.py, line 1", "no_such_module", "no.such.module"]
    assert len(problems) == 7
    for problem, word in zip(
        problems, [*expected, "no-such-program", "torch 2.9; the sweep's other jobs"], strict=True
    ):
        assert word in problem
        assert "\n" not in problem


def test_a_packed_script_is_compiled_too(good: Preflight, tmp_path: Path) -> None:
    import zlib

    packed = f"import zlib\nexec(zlib.decompress({zlib.compress(b'x = (')!r}))\n".encode()
    (problem,) = check_node(replace(good, contents={"train.py": packed}), tmp_path, os.environ)
    assert problem.startswith("train.py unpacked 1, line 1: ")


def test_a_script_that_begins_with_a_byte_order_mark_is_python(good: Preflight, tmp_path: Path) -> None:
    contents = {"train.py": b"\xef\xbb\xbfx = 1\n"}
    assert check_node(replace(good, contents=contents), tmp_path, os.environ) == []


def test_the_set_up_runs_once_for_each_node_and_content(good: Preflight, tmp_path: Path) -> None:
    count = tmp_path / "count"
    checked = replace(good, setup=[f"echo run >> {count}", "ls > listed"])
    assert [check_node(checked, tmp_path / "checks", os.environ) for _ in range(2)] == [[], []]
    assert count.read_text() == "run\n"
    (listed,) = (tmp_path / "checks").rglob("listed")
    assert {"train.py", "lib.py"} <= set(listed.read_text().split())
    assert check_node(replace(checked, contents={"train.py": b"y = 1\n"}), tmp_path / "checks", os.environ) == []
    assert count.read_text() == "run\nrun\n"


def test_gangs_that_start_together_set_up_once(good: Preflight, tmp_path: Path) -> None:
    count = tmp_path / "count"
    checked = replace(good, setup=[f"sleep 0.3; echo run >> {count}"])
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: check_node(checked, tmp_path / "checks", os.environ), range(3)))
    assert results == [[], [], []]
    assert count.read_text() == "run\n"


def test_a_set_up_that_fails_is_said_and_runs_again(good: Preflight, tmp_path: Path) -> None:
    checked = replace(good, setup=["echo first", "echo no such package >&2; exit 3", "echo never"])
    for _ in range(2):
        (problem,) = check_node(checked, tmp_path, os.environ)
        assert "ended with exit code 3 (no such package); its log is " in problem
    (log,) = tmp_path.rglob("setup.log")
    assert log.read_text() == "$ echo first\nfirst\n$ echo no such package >&2; exit 3\nno such package\n"


def test_a_set_up_that_hangs_is_ended(good: Preflight, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SETUP_SECONDS", 0.5)
    (problem,) = check_node(replace(good, setup=["sleep 0.3"] * 2 + ["sleep 600 & sleep 600"]), tmp_path, os.environ)
    assert "over 0 s in 'sleep 0.3'" in problem, "it is the time of all commands together"


def test_the_set_up_has_the_clean_environment_of_the_script(good: Preflight, tmp_path: Path) -> None:
    own = {"PATH": "/usr/bin:/bin", "MLP_HIDDEN": "1792", "GOLFSWEEP_DB": "secret", "NCCL_DEBUG": "1", "HF_HOME": "x"}
    checked = replace(good, setup=["env > variables; command -v python > which"], passed=["HF_HOME"])
    assert check_node(checked, tmp_path, own) == []
    (variables,) = tmp_path.rglob("variables")
    names = {line.partition("=")[0] for line in variables.read_text().splitlines()}
    assert {"NCCL_DEBUG", "HF_HOME"} <= names
    assert names.isdisjoint({"MLP_HIDDEN", "GOLFSWEEP_DB"})
    assert variables.with_name("which").read_text().strip() == good.python


@pytest.mark.parametrize(
    ("script", "ranks", "fits"), [(OWN_SHARDS, 3, False), (OWN_SHARDS, 2, True), (b"x = 1\n", 3, True)]
)
def test_shards_are_as_many_as_ranks_where_each_reads_its_own(
    good: Preflight, tmp_path: Path, script: bytes, ranks: int, fits: bool
) -> None:
    for name in ("train_000000", "train_000001", "val_000000"):
        write_shard(tmp_path / "tokens" / f"fineweb_{name}.bin", [1, 2])
    checked = replace(good, contents={"train.py": script}, tokens=tmp_path / "tokens", ranks=ranks)
    problems = check_node(checked, tmp_path / "checks", os.environ)
    assert [("2 training shards for 3 ranks" in problem) for problem in problems] == ([] if fits else [True])


def test_nothing_of_the_script_is_executed(good: Preflight, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"open({str(mark)!r}, 'w')\n".encode()
    assert (
        check_node(replace(good, contents={"train.py": script, "lib.py": script}), tmp_path / "checks", os.environ)
        == []
    )
    assert not mark.exists()


def test_a_set_up_is_not_taken_for_a_hang() -> None:
    stage = script_stage("train", {"in": {}, "outputs": {}}, {"silent_seconds": 120.0})
    order = SimpleNamespace(conditions=stage.conditions)
    assert stage.silence(cast(Any, order)) >= 120.0 + room.SETUP_SECONDS


def test_data_that_are_others_on_this_node_are_said_each_time(good: Preflight, tmp_path: Path) -> None:
    shard, tokenizer = tmp_path / "data" / "x_train_000000.bin", tmp_path / "x.model"
    write_shard(shard, [1, 2, 3])
    tokenizer.write_bytes(b"pieces")
    digests = {"tokens": digest_folder(shard.parent), "tokenizer": digest_of([tokenizer])}
    checked = replace(good, tokens=shard.parent, tokenizer=tokenizer, digests=digests)
    assert check_node(checked, tmp_path / "checks", os.environ) == []
    write_shard(shard, [1, 2, 4, 5])
    tokenizer.write_bytes(b"other")
    problems = check_node(checked, tmp_path / "checks", os.environ)
    assert [problem.split()[1:4] for problem in problems] == [
        ["data.tokens", "has", "digest"], ["data.tokenizer", "has", "digest"],
    ]  # fmt: skip
    assert f"ordered for {digests['tokens'][:12]}…" in problems[0]


def test_the_runtime_is_that_after_a_set_up_which_makes_the_interpreter(good: Preflight, tmp_path: Path) -> None:
    made = tmp_path / "made" / "python"
    setup = [
        f"mkdir -p {made.parent}",
        f"test -e {made} || printf '#!/bin/sh\\nexec {good.python} \"$@\"' > {made}",
        f"chmod +x {made}",
    ]
    checked = replace(good, python=str(made), setup=setup)
    first, again = (room.check_node(checked, tmp_path / "checks", os.environ) for _ in range(2))
    assert first.problems == [] and first.runtime["torch"] == "2.9" and again == first
