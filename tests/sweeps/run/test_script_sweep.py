"""A sweep of a script on this machine: real processes, kept artifacts, its row, and what no crash changes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.errors import NotReady
from jobs.machine import environment
from jobs.state import JobState
from jobs.store import EntryRecord, Store
from jobs.workplace import Workplace
from sweeps.challenge.claim import read_claim
from sweeps.driver.sweep import Sweep
from sweeps.driver.trials import search_digest
from sweeps.entries.checking import verify_entry
from sweeps.entries.reading import board_of
from sweeps.run import session
from sweeps.run.driving import opening
from sweeps.run.helping import check_machine
from sweeps.spec.file import SweepSpec, parse_sweep
from sweeps.submission import package
from tests.sweeps.tampering import FURTHER, Place, change, fields_of, list_places, name_of

TOY = Path(__file__).parents[1] / "toy_script.py"
DIFF = """--- toy_script.py
+++ toy_script.py
@@ -1,1 +1,1 @@
-SHIFT = float(os.environ.get("SHIFT", "0"))
+SHIFT = float(os.environ.get("SHIFT", "0.1"))
"""
WAIT_SECONDS = 240.0


def file_of(tokens: Path, **changes: Any) -> dict[str, Any]:
    line = TOY.read_text().splitlines().index('SHIFT = float(os.environ.get("SHIFT", "0"))') + 1
    patch = tokens.parent / "shift.diff"
    patch.write_text(DIFF.replace("-1,1 +1,1", f"-{line},1 +{line},1"))
    return {
        "name": "toy",
        "data": {"tokens": str(tokens)},
        "script": {
            "file": str(TOY),
            "launch": "python",
            "env": {"DATA_PATH": "{data}", "SEED": "{seed}"},
            "train": {"out": {"artifact": "model.bin"}},
            "eval": {"from": "train", "keep": ["artifact"], "env": {"ITERATIONS": 0}, "metric": "final_toy_exact"},
        },
        "seeds": {"tune": [1], "confirm": [2, 3]},
        "arm": [
            {"name": "base", "baseline": True, "script": {"eval": {"env": {"DOCUMENTS": 1}}}},
            {"name": "shifted", "script": {"eval": {"env": {"SHIFT": 0.3, "DOCUMENTS": 1}}}},
            {"name": "patched", "seeds": [2], "script": {"patch": str(patch)}},
        ],
        "search": {"trials": 2, "parallel": 2, "sampler": "grid", "space": {"script.eval.env.SHIFT": [0.05, 0.5]}},
        "confirm": {"top": 1},
        **changes,
    }


@pytest.fixture(scope="session")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files that only look like shards: what a script's data are is its own affair."""
    folder = tmp_path_factory.mktemp("script") / "datasets"
    folder.mkdir()
    (folder / "x_train_000000.bin").write_bytes(b"train")
    (folder / "x_val_000000.bin").write_bytes(b"val")
    return folder


def run(spec: SweepSpec, place: Workplace) -> list[str]:
    said: list[str] = []
    end = session.run(spec, place, executor="local", show=lambda snapshot, left: None, say=said.append)
    assert end.done and not end.failures, [(job.order.label, job.reason) for job in end.failures]
    return said


@pytest.fixture(scope="module")
def finished(tokens: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """The home of the finished sweep; tests only read it."""
    place = Workplace.open(tmp_path_factory.mktemp("toy") / "home")
    run(parse_sweep(file_of(tokens), "toy.toml"), place)
    yield place
    place.store.close()


def rows(place: Workplace) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in board_of("toy", place).table()}


def score(seed: int, shift: float, iterations: int = 5) -> float:
    """What the toy prints, by its own arithmetic."""
    value = 1.0 + seed % 7
    for _ in range(iterations):
        value -= 0.5 * (value - 0.25)
    return round(abs(value - 0.25) + (shift - 0.1) ** 2 + 1 + 3 / 1e9, 8)


def test_every_evaluation_reads_the_kept_artifact_of_its_own_seed(finished: Workplace) -> None:
    assert {name: row["seeds"] for name, row in rows(finished).items()} == {
        "base": {"2": score(2, 0.0), "3": score(3, 0.0)},
        "shifted": {"2": score(2, 0.3), "3": score(3, 0.3)},
        "patched": {"2": score(2, 0.1)},
        "trial 0": {"2": score(2, 0.05), "3": score(3, 0.05)},
    }


def test_a_training_is_shared_by_all_that_train_alike(finished: Workplace) -> None:
    jobs = finished.store.jobs("toy", [JobState.DONE])
    stages = [record.order.job.stage for record in jobs]
    assert (stages.count("script.train"), stages.count("script.eval")) == (4, 2 + 2 + 2 + 1 + 2)
    assert {record.order.label for record in jobs if record.order.job.seed == 1} == {
        "train seed 1", "eval trial 0 seed 1", "eval trial 1 seed 1",
    }  # fmt: skip


def test_a_row_says_what_a_metric_line_gives_and_nothing_else(finished: Workplace) -> None:
    row = rows(finished)["base"]
    assert (row["track"], row["source"]) == ("unverified", "golfsweep")
    assert [finding["code"] for finding in row["findings"]] == ["unaudited"]
    model = len(json.dumps({"value": 1.0 + 2 - 0, "padding": ""})) - 3
    assert row["bytes"]["code"] == TOY.stat().st_size and row["bytes_total"] > TOY.stat().st_size + model
    assert (row["train_seconds"], row["eval_seconds"]) == (0.05, 0.005)
    assert row["clocks"]["eval.process_seconds"] > 0 and row["cost"] is None
    assert row["validation_set"]["documents"] == 4 and rows(finished)["patched"]["validation_set"]["documents"] is None


def test_the_artifacts_score_is_that_of_the_stage_that_is_scored(finished: Workplace) -> None:
    [trained] = [
        job.outputs or {}
        for job in finished.store.jobs("toy")
        if (job.order.job.stage, job.order.job.seed) == ("script.train", 3)
    ]
    assert trained["scores"] == {"final_toy": score(3, 0.0)}, "what the training printed of it is another number"
    expected = (score(2, 0.3) + score(3, 0.3)) / 2
    assert rows(finished)["shifted"]["bpb_quantized"] == pytest.approx(expected, abs=1e-12)


def test_scores_of_documents_make_paired_tests(finished: Workplace) -> None:
    row = rows(finished)["shifted"]
    assert row["p_paired"] == 1.0  # worse on every document of the same artifacts


def test_a_repeated_run_runs_nothing(finished: Workplace, tokens: Path, tmp_path: Path) -> None:
    shutil.copytree(finished.home.root, tmp_path / "home")
    place = Workplace.open(tmp_path / "home")
    before = {job.key: job.attempt for job in place.store.jobs()}
    run(parse_sweep(file_of(tokens), "toy.toml"), place)
    assert {job.key: job.attempt for job in place.store.jobs()} == before
    place.store.close()


def test_a_training_that_fails_after_its_artifact_is_evaluated_and_its_row_says_so(
    tokens: Path, tmp_path: Path
) -> None:
    file, place = file_of(tokens), Workplace.open(tmp_path / "home")
    file["script"]["train"]["env"] = {"BROKEN": True}
    file["script"]["eval"]["env"]["BROKEN"] = False
    file |= {"arm": [{"name": "base", "seeds": [2]}], "search": None, "confirm": None}
    spec = parse_sweep({name: value for name, value in file.items() if value is not None}, "toy.toml")
    for _ in range(2):  # the second time nothing runs
        end = session.run(spec, place, executor="local", show=lambda snapshot, left: None, say=lambda line: None)
        (failed,) = end.failures
        assert failed.reason == "crash: RuntimeError: the evaluation is broken"
        assert [(job.order.label, job.attempt) for job in place.store.jobs("toy")] == [
            ("train base seed 2", 1), ("eval base seed 2", 1),
        ]  # fmt: skip
    row = rows(place)["base"]
    assert row["seeds"] == {"2": score(2, 0.0)}
    assert row["findings"][1]["detail"] == f"it failed after its outputs were complete ({failed.reason})"
    assert verify_entry(entry_of(place), place) == []
    artifact = (failed.outputs or {})["artifact"]
    assert place.store.lose_content(artifact)
    assert [job.state for job in place.store.jobs("toy", keys=[failed.key])] == [JobState.QUEUED]
    place.store.close()


def entry_of(place: Workplace, name: str = "base") -> EntryRecord:
    return next(entry for entry in place.store.entries("toy") if entry.name == name)


def test_a_row_holds_against_its_evidence(finished: Workplace) -> None:
    for entry in finished.store.entries("toy"):
        assert verify_entry(entry, finished) == []


def test_a_row_is_packaged_as_the_script_that_was_swept_and_its_logs(finished: Workplace) -> None:
    made = package.make("toy/patched", finished, "Ada Lovelace")
    assert set(made.files) == {"README.md", "submission.json", "toy_script.py", "train_seed2.log", "eval_seed2.log"}
    assert made.files["toy_script.py"] == TOY.read_bytes().replace(b'("SHIFT", "0")', b'("SHIFT", "0.1")')
    claims = json.loads(made.files["submission.json"])
    assert (claims["author"], claims["val_bpb"], claims["seeds"]) == ("Ada Lovelace", score(2, 0.1), [2])
    assert claims["bytes_code"] == len(made.files["toy_script.py"])
    assert f"val_bpb:{claims['val_bpb']:.8f}".encode() in made.files["eval_seed2.log"]
    readme = made.files["README.md"].decode()
    assert 'SEED="$seed" \\\n  python toy_script.py' in readme and "`unaudited`" in readme


def test_a_script_cannot_be_challenged(finished: Workplace) -> None:
    sweep = finished.store.sweeps()[-1].name
    for entry in finished.store.entries(sweep):
        with pytest.raises(InputError, match="is of a script"):
            read_claim(f"{sweep}/{entry.name}", finished)


def spoil_score(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["score"] -= 0.1


def spoil_size(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["model_bytes"] = 5


def spoil_artifact(content: Any, evidence: Any) -> None:
    evidence["seeds"]["2"]["artifact"] = "0" * 64


def spoil_script(content: Any, evidence: Any) -> None:
    evidence["code"]["script"] = "0" * 64


def spoil_settings(content: Any, evidence: Any) -> None:
    content["settings"]["script"]["eval"]["env"]["SHIFT"] = "9"


def spoil_audit(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["audited"] = True


def spoil_class(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["machine_class"] = "NVIDIA H100"


def spoil_width(content: Any, evidence: Any) -> None:
    content["settings"]["script"]["train"]["gpus"] = 8


def spoil_findings(content: Any, evidence: Any) -> None:
    content["evaluations"][0]["findings"] = []


def spoil_log(content: Any, evidence: Any) -> None:
    evidence["seeds"]["2"]["log"] = evidence["seeds"]["3"]["log"]


def spoil_key(content: Any, evidence: Any) -> None:
    evidence["seeds"]["2"]["jobs"]["script.eval"] = "0" * 64


def test_every_stored_field_that_is_changed_is_found(finished: Workplace) -> None:
    entry, unnoticed = entry_of(finished), set[Place]()
    assert verify_entry(entry, finished) == []
    for path in list_places(stored := fields_of(entry)):
        if not FURTHER.intersection(path[2:4]) and not verify_entry(replace(entry, **change(stored, path)), finished):
            unnoticed.add(name_of(path))
    assert unnoticed == {("content", "evaluations", "row"), ("content", "evaluations", "sweep")}, "which nothing reads"


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_score, "seed 2: its eval job printed "),
        (spoil_size, "seed 2: it shows artifact_bytes 5, its evidence has "),
        (spoil_artifact, "seed 2: its jobs made artifact "),
        (spoil_script, "seed 2: its train job ran script "),
        (spoil_settings, "seed 2: its eval job has another environment than the entry"),
        (spoil_audit, "it says that it is audited, and a script's metric line cannot be"),
        (spoil_class, "seed 2: its machine_class is 'NVIDIA H100', its jobs gave '"),
        (spoil_width, "seed 2: its train job had 1 slots, not those of the entry"),
        (spoil_findings, "seed 2: its findings are not those of its jobs"),
        (spoil_log, "seed 2: its log says "),
        (spoil_key, "seed 2: the store has no eval job 000000000000"),
    ],
)
def test_what_a_row_says_beside_its_evidence_is_found(
    finished: Workplace, spoil: Callable[[Any, Any], None], words: str
) -> None:
    entry = entry_of(finished)
    content, evidence = json.loads(json.dumps([entry.content, entry.evidence]))
    spoil(content, evidence)
    lines = [mismatch.line for mismatch in verify_entry(replace(entry, content=content, evidence=evidence), finished)]
    assert lines and lines[0].startswith(words), lines


def test_a_variable_that_the_script_does_not_read_is_refused_before_anything_runs(tokens: Path, tmp_path: Path) -> None:
    file = file_of(tokens)
    file["script"]["env"]["ITERATION"] = 3
    place = Workplace.open(tmp_path / "home")
    with pytest.raises(InputError, match=r"ITERATION: the script does not read it; did you mean ITERATIONS\?"):
        run(parse_sweep(file, "toy.toml"), place)
    assert place.store.jobs() == []
    file["script"]["unread"] = ["ITERATION"]
    opening.resolve(parse_sweep(file, "toy.toml"), place.home, environment.machine())
    place.store.close()


def test_an_interpreter_that_is_not_here_is_refused_before_anything_runs(tokens: Path, tmp_path: Path) -> None:
    file = file_of(tokens)
    file["script"]["python"] = "/no/such/python"
    place = Workplace.open(tmp_path / "home")
    with pytest.raises(InputError, match=r"script\.python: /no/such/python is not on this machine; name one that is"):
        run(parse_sweep(file, "toy.toml"), place)
    assert place.store.jobs() == []
    place.store.close()


def test_killed_in_the_middle_it_gives_the_same_digits(tokens: Path, tmp_path: Path) -> None:
    home, file = tmp_path / "home", tmp_path / "toy.toml"
    small = file_of(tokens, arm=[{"name": "base", "seeds": [2]}], confirm={"top": 0})
    file.write_text(_toml(small))
    command = [sys.executable, "-m", "sweeps.cli", "run", str(file), "--here", "--home", str(home)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + WAIT_SECONDS
    while _count_done(home) < 2 and process.poll() is None and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 2 <= _count_done(home) < 5
    last = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert last.returncode == 0, last.stderr
    assert {row["name"]: row["seeds"] for row in json.loads(last.stdout)["rows"]} == {"base": {"2": score(2, 0.0)}}
    store = Store.open(f"sqlite:///{home / 'golfsweep.db'}", reading=True)
    sweep = Sweep.from_json(store.sweeps()[0].spec)
    digest = search_digest(sweep.spec, sweep.orders())
    assert [trial.value for trial in store.trials("toy", digest)] == [score(1, 0.05), score(1, 0.5)]
    store.close()


def _count_done(home: Path) -> int:
    if not (home / "golfsweep.db").exists():
        return 0
    try:
        store = Store.open(f"sqlite:///{home / 'golfsweep.db'}", reading=True)
    except Exception:  # it is being made at this moment
        return 0
    try:
        return len(store.jobs("toy", [JobState.DONE]))
    finally:
        store.close()


def _toml(file: dict[str, Any]) -> str:
    """A sweep file of plain data."""
    lines = [f"name = {json.dumps(file['name'])}"]
    lines += [f"{name} = {_inline(file[name])}" for name in ("data", "script", "seeds", "search", "confirm", "arm")]
    return "\n".join(lines)


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {_inline(inner)}" for name, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value)


def test_a_machine_with_another_torch_takes_no_jobs_of_a_sweep(tokens: Path, tmp_path: Path) -> None:
    spec, place = parse_sweep(file_of(tokens), "toy.toml"), Workplace.open(tmp_path / "home")
    sweep = opening.resolve(spec, place.home, environment.machine(), lambda _: None)
    opening.keep_script(sweep, place)
    check_machine(sweep, place)
    assert sweep.code is not None
    other = replace(sweep.code, runtime={**sweep.code.runtime, "torch": "1.0"})
    with pytest.raises(NotReady, match=r"the sweep's other jobs ran with torch 1\.0"):
        check_machine(replace(sweep, code=other), place)
    place.store.close()
