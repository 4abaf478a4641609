"""Packaging, on a home whose sweep was worked off for real in this process, and on homes of made-up numbers."""

import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from golf.data.corpus import DemoData
from golf.data.tokens import find_shards, read_stream, split_documents, write_shard
from golf.errors import InputError
from golf.train.training import train
from jobs.events import Finished, Shard
from jobs.machine import environment, software
from jobs.scores import merge_shards
from jobs.stages.work.audit import run_audit
from jobs.stages.work.documents import training_stream
from jobs.stages.work.evaluate import run_eval, shards_of
from jobs.stages.work.quantize import run_quantize
from jobs.stages.work.settings import train_config
from jobs.state import SweepState
from jobs.store import JobRecord
from jobs.workplace import Workplace
from sweeps.board.margin_rules import MARGIN_RULES, MarginRule
from sweeps.entries.reading import board_of
from sweeps.records import record, review
from sweeps.records.judging import findings
from sweeps.records.reading.folder import read_folder
from sweeps.run.driving.opening import resolve
from sweeps.run.entries import EntryWriter
from sweeps.spec.file import parse_sweep
from sweeps.submission import comparison, package, package_check, package_folder, submission, submission_folder
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play

MODEL = {
    "num_layers": 2, "model_dim": 16, "num_heads": 2, "num_kv_heads": 1, "mlp_hidden": 24, "bigram_buckets": 64,
    "bigram_dim": 8,
}  # fmt: skip
SEEDS = (3, 4)
ROLES = ("baseline", "incumbent")
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def data(demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two small shards: the starts of some of the bundled corpus's documents.

    Training reads its shard more than once, so that the documents held out for tuning would be noticed in it.
    """
    folder = tmp_path_factory.mktemp("some data")
    for split, count in (("train", 10), ("val", 5)):
        documents = split_documents(read_stream(find_shards(demo.tokens, split)))[:count]
        write_shard(folder / f"x_{split}_0.bin", [int(token) for document in documents for token in document[:300]])
    return folder


@pytest.fixture(scope="module")
def place(data: Path, demo: DemoData, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """A home with a finished sweep of one real recipe on two seeds, and a baseline beside it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(environment.CPU_THREADS)
    opened = Workplace.open(tmp_path_factory.mktemp("it's a home"))
    source = {
        "name": "small",
        "data": {"tokens": str(data), "tokenizer": str(demo.tokenizer), "tuning_documents": 2},
        "recipe": {
            "train": {
                "gpus": 1, "steps": 6, "batch_tokens": 512, "seq_len": 128, "warmup_steps": 1, "warmdown_steps": 3,
                "model": MODEL,
            },
            "eval": {"chunk": 64, "window": 128, "gpus": 1},
        },
        "seeds": {"confirm": list(SEEDS)},
        "arm": [{"name": "plain", "baseline": True, "eval": {"preset": "none"}}, {"name": "adapted \"quoted\" | é"}],
        "audit": {"seconds": 0.2},
    }  # fmt: skip
    sweep = resolve(parse_sweep(source, "test"), opened.home, environment.machine())
    opened.store.put_sweep("small", sweep.to_json())
    driver = sweep.driver(opened.store)
    while not driver.step().done:
        opened.store.beat("worker")
        for job in opened.store.claim("worker", 100):
            work_off(job, opened)
    EntryWriter(sweep, opened.store, opened.files).write()
    opened.store.end_sweep("small", SweepState.DONE)
    yield opened
    torch.set_num_threads(threads)


def work_off(job: JobRecord, place: Workplace) -> None:
    """Do a job as a worker does, in this process."""
    workdir, order = place.home.attempt(job.key, 1), job.order
    workdir.mkdir(parents=True)
    facts: dict[str, Any] = {"host": "here", "versions": software.versions(), "commit": "c0ffee"}
    attempt = place.store.start_attempt(job.key, "worker", workdir=str(workdir), **facts)
    inputs = {name: place.files.get(order.job.inputs[name]) for name in {"weights", "artifact"} & {*order.job.inputs}}
    outputs: dict[str, Any] = {}
    if order.job.stage == "train":
        train(train_config(order), tokens=training_stream(order), seed=order.job.seed, out=workdir)
        (workdir / "log.txt").write_text("golf.model.attention: what the ranks said\n")
        outputs = json.loads((workdir / "result.json").read_text())
        for name, path in (("weights", "weights.safetensors"), ("metrics", "metrics.jsonl"), ("log", "log.txt")):
            outputs[name] = place.files.put((workdir / path).read_bytes())
    elif order.job.stage == "eval":
        events = list(run_eval(order, inputs, range(shards_of(order, inputs["artifact"]))))
        table, totals = merge_shards(event.content for event in events if isinstance(event, Shard))
        assert isinstance(events[-1], Finished)
        outputs = {**events[-1].outputs, **totals, "scores": place.files.put(table)}
    else:
        *_, last = (run_quantize if order.job.stage == "quantize" else run_audit)(order, inputs)
        assert isinstance(last, Finished)
        outputs = {**last.outputs, **{name: place.files.put(content) for name, content in last.files.items()}}
    place.store.finish(job.key, attempt, outputs, seconds=1.0, peak_bytes=None)


ROW = 'small/adapted "quoted" | é'


@pytest.fixture(scope="module")
def folder(place: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The row, packaged."""
    out = tmp_path_factory.mktemp("out") / "it's a record"
    package_folder.write(out, submission_folder.make_files(package.gather(ROW, place, "Ada")))
    return out


def test_the_folder_is_in_the_challenges_form(folder: Path, place: Workplace) -> None:
    names = {"README.md", "submission.json", "certificate.json", "requirements.txt", "train_gpt.py"}
    assert {path.name for path in folder.iterdir()} == names | {f"train_seed{seed}.log" for seed in SEEDS}
    claims = json.loads((folder / "submission.json").read_text())
    gathered = package.gather(ROW, place)
    scores = {str(run.seed): run.total.bpb for run in gathered.runs}
    assert claims["author"] == "Ada"
    assert claims["val_bpb"] == pytest.approx(statistics.fmean(scores.values()), abs=1e-9)
    assert claims["val_bpb_std"] == pytest.approx(statistics.stdev(scores.values()), abs=1e-9)
    assert claims["val_bpb"] == pytest.approx(gathered.standing["val_bpb_mean"], abs=1e-9)
    assert {seed: claim["val_bpb"] for seed, claim in claims["seed_results"].items()} == pytest.approx(scores, abs=1e-9)
    artifacts = [len(place.files.get(job.outputs["artifact"])) for job in quantized(place)]
    assert claims["bytes_code"] == (folder / "train_gpt.py").stat().st_size
    assert claims["bytes_total"] == claims["bytes_code"] + max(artifacts)
    assert [test["against"] for test in claims["tests"]] == ["plain"] * len(claims["tests"])
    assert {test["p_value"] for test in claims["tests"]} >= {
        gathered.standing["p_value"],
        gathered.standing["p_paired"],
    }
    plain = package.gather("plain", place)
    assert {test["against_val_bpb"] for test in claims["tests"]} == {plain.standing["val_bpb_mean"]}
    assert claims["comparison_baseline_bpb"] == pytest.approx(plain.bpb, abs=1e-9)
    assert "comparison_baseline_bpb" in submission.make_claims(plain)
    assert submission.make_claims(plain)["comparison_baseline_bpb"] is None  # nothing came before it
    assert json.loads((folder / "certificate.json").read_text())["judged"]


def quantized(place: Workplace) -> list[Any]:
    return [job for job in place.store.jobs(sweep="small") if job.order.job.stage == "quantize"]


def test_a_log_holds_what_was_printed_and_every_step(folder: Path) -> None:
    lines = (folder / "train_seed3.log").read_text().splitlines()
    assert "golf.model.attention: what the ranks said" in lines
    assert [line.split()[0] for line in lines if line.startswith("step:")] == [f"step:{n}/6" for n in range(1, 7)]


def test_the_readme_has_method_command_seeds_statistics_and_certificate(
    folder: Path, data: Path, demo: DemoData
) -> None:
    text = (folder / "README.md").read_text()
    titles = [line for line in text.splitlines() if line.startswith("## ")]
    assert titles == ["## Method", "## Command", "## Seeds", "## Statistics", "## Certificate"]
    assert "torchrun --standalone --nproc_per_node=1 train_gpt.py" in text
    assert f"DATA_PATH='./data/datasets/{data.name}' TOKENIZER_PATH=./data/tokenizers/{demo.tokenizer.name} " in text
    assert "| `eval.chunk` | 64 | 256 |" in text
    assert "Passed" in text
    for seed in SEEDS:
        assert f"| {seed} | " in text


def test_our_own_review_finds_nothing(folder: Path) -> None:
    reviewed = record.build_record(read_folder(folder))
    judged = findings.judge_record(reviewed)
    assert judged == ()
    assert review.passes(judged)
    assert set(reviewed.scores) == {str(seed) for seed in SEEDS}


def doctored(folder: Path, out: Path, name: str, change: Callable[[Any], None]) -> set[tuple[str, str]]:
    """Codes and details of the review of a package in which one file was changed."""
    shutil.copytree(folder, out)
    content = json.loads((out / name).read_text())
    change(content)
    (out / name).write_text(json.dumps(content))
    return {(finding.code, finding.detail) for finding in package_check.judge_package(out, build(out))}


def build(folder: Path) -> record.Record:
    return record.build_record(read_folder(folder))


def test_the_review_computes_p_values_again(folder: Path, tmp_path: Path) -> None:
    assert package_check.judge_package(folder, build(folder)) == ()

    def halve(claims: Any) -> None:
        for test in claims["tests"]:
            test["p_value"] /= 2

    [*found] = sorted(doctored(folder, tmp_path / "halved", "submission.json", halve))
    assert {code for code, _ in found} == {"unsupported-p"}
    claims = json.loads((folder / "submission.json").read_text())
    checked = [test for test in claims["tests"] if test["test"].startswith("one-sided Welch")]
    assert len(found) == len(checked) >= 2
    assert any(f"the logs give {checked[0]['p_value']:.4g}" in detail for _, detail in found)
    lacking = doctored(
        folder, tmp_path / "lacking", "submission.json", lambda claims: claims["tests"][0].pop("margin_bpb")
    )
    assert [(code, "it lacks numbers" in detail) for code, detail in lacking] == [("unsupported-p", True)]


@pytest.mark.parametrize("value", [10**400, "x" * 5000, [[]], None], ids=["huge", "text", "list", "none"])
@pytest.mark.parametrize("name", ["p_value", "against_val_bpb", "against_val_bpb_std", "margin_bpb", "against_seeds"])
def test_a_number_of_a_test_that_is_none_for_a_computer_is_a_short_finding(
    folder: Path, tmp_path: Path, name: str, value: Any
) -> None:
    def set_number(claims: Any) -> None:
        claims["tests"][0][name] = value

    [(code, detail)] = doctored(folder, tmp_path / "changed", "submission.json", set_number)
    assert (code, "it lacks numbers" in detail) == ("unsupported-p", True)
    assert len(detail) < 300


def test_the_review_reads_the_certificate(folder: Path, tmp_path: Path, golfsweep: Command) -> None:
    def leak(content: Any) -> None:
        content["probes"]["future"][0] |= {"kind": "suffix", "beyond": True, "first_moved": 1, "largest": 2.0}

    found = doctored(folder, tmp_path / "forged", "certificate.json", leak)
    assert {code for code, _ in found} == {"certificate"}
    assert any("has no finding C1, which its probes show" in detail for _, detail in found)

    def confess(content: Any) -> None:
        leak(content)
        finding = {"condition": "C1", "document": 0, "position": 1, "measured": 2.0, "detail": "looks ahead"}
        content |= {"passed": False, "findings": [finding]}

    assert doctored(folder, tmp_path / "leaky", "certificate.json", confess) == {
        ("C1", "certificate.json: C1: looks ahead")
    }
    assert golfsweep("check", folder)[0] == 0
    assert golfsweep("check", tmp_path / "leaky")[0] == 1
    (tmp_path / "leaky" / "certificate.json").write_text("[]")
    [finding] = package_check.judge_package(tmp_path / "leaky", build(folder))
    assert finding.code == "certificate"


def test_alone_in_a_clean_environment_the_script_gives_the_packaged_score(
    folder: Path, data: Path, demo: DemoData, place: Workplace, tmp_path: Path
) -> None:
    printed = run_script([], folder, data, demo, tmp_path)
    made = hashlib.sha256((tmp_path / "runs" / "again" / "final_model.golf").read_bytes()).hexdigest()
    assert made == next(job.outputs["artifact"] for job in quantized(place) if job.order.job.seed == 4)
    log = (folder / "train_seed4.log").read_text().splitlines()
    assert without_times(printed[-1]) == without_times(log[-1])
    assert [line for line in printed if "bytes" in line] == [line for line in log if "bytes" in line]
    assert [without_times(line) for line in printed if "step:" in line] == [
        without_times(line) for line in log if "step:" in line
    ]


def test_under_torchrun_the_documents_are_shared_and_the_score_is_the_same(
    folder: Path, data: Path, demo: DemoData, tmp_path: Path
) -> None:
    """Sums over two processes round otherwise, which at worst moves a weight by one quantization step."""
    gang = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    printed = run_script(gang, folder, data, demo, tmp_path)
    claims = json.loads((folder / "submission.json").read_text())
    assert [line.startswith("final_int6_ttt_lora_exact ") for line in printed].count(True) == 1
    assert "world_size:2" in printed[2]
    score = float(printed[-1].split("val_bpb:")[1].split()[0])
    assert score == pytest.approx(claims["seed_results"]["4"]["val_bpb"], abs=1e-4)


def run_script(launcher: list[str], folder: Path, data: Path, demo: DemoData, cwd: Path) -> list[str]:
    """Run a packaged script with seed 4; its lines.

    Every package of the project is hidden by one that cannot be imported, so that only what is in the file can run.
    """
    poison = cwd / "poison"
    poison.mkdir()
    for name in ("golf", "jobs", "cluster", "sweeps"):
        (poison / f"{name}.py").write_text("raise ImportError('the project was imported')")
    shutil.copy(folder / "train_gpt.py", cwd)
    variables = {"DATA_PATH": data, "TOKENIZER_PATH": demo.tokenizer, "SEED": 4, "RUN_ID": "again"}
    system = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**system, "PYTHONPATH": poison, "OMP_NUM_THREADS": 1, **variables}
    done = subprocess.run(
        [sys.executable, *launcher, "train_gpt.py"], env={name: str(value) for name, value in environment.items()},
        cwd=cwd, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def without_times(line: str) -> str:
    return " ".join(word for word in line.split() if not word.startswith(("train_time:", "step_avg:", "eval_time:")))


def test_a_single_seed_claims_no_spread(place: Workplace, tmp_path: Path) -> None:
    gathered = package.gather(ROW, place)
    lone = replace(gathered, runs=gathered.runs[:1])
    package_folder.write(tmp_path / "lone", submission_folder.make_files(lone))
    judged = findings.judge_record(record.build_record(read_folder(tmp_path / "lone")))
    assert [finding.code for finding in judged] == ["single-seed"]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"epochs": 1}, "only then are the adapters trained on it, once.\n"),
        ({"epochs": 3}, "only then are the adapters trained on it, 3 times.\n"),
        (
            {"protocol": "last-epoch", "epochs": 3},
            "once. The document is read 3 times, and the scores of the last pass",
        ),
        (
            {"protocol": "min-epoch", "epochs": 2},
            "once. The document is read 2 times, and the scores of the pass with the",
        ),
    ],
)
def test_the_method_states_the_protocols_own_updates_and_passes(
    place: Workplace, settings: dict[str, Any], text: str
) -> None:
    gathered = package.gather(ROW, place)
    changed = replace(gathered.recipe, eval=replace(gathered.recipe.eval, **settings))
    assert text in submission_folder.make_files(replace(gathered, recipe=changed))["README.md"].decode()


def test_a_new_margin_rule_is_among_the_tests(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    gathered = package.gather(ROW, place)
    standing = {**gathered.standing, "p_wide": 0.5, "p_wide_paired": None}
    rule = MarginRule(title="wide rule", margin_nats=0.02, level=0.05, p_column="p_wide")
    monkeypatch.setitem(MARGIN_RULES, "wide_rule", rule)
    tests = submission.list_tests(replace(gathered, standing=standing, against={role: ("it", 2.0) for role in ROLES}))
    [test] = [test for test in tests if test["p_value"] == 0.5]
    assert (test["test"], test["against"]) == ("one-sided Welch across seeds, margin 0.02 nats per token", "it")


def test_the_script_is_the_same_every_time(folder: Path, place: Workplace) -> None:
    assert package.gather(ROW, place).script == (folder / "train_gpt.py").read_bytes()


def test_the_command_writes_it_and_never_over_anything(
    golfsweep: Callable[..., tuple[int, str, str]], refused: Refused, place: Workplace, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "record"
    code, printed, _ = golfsweep("package", "plain", "--out", out, "--home", place.home.root, "--json")
    assert code == 0
    document = json.loads(printed)
    assert sorted(path.name for path in out.iterdir()) == document["files"]
    assert json.loads((out / "submission.json").read_text()) == document["submission"]
    assert [path.name for path in out.parent.iterdir()] == ["record"]
    assert "exists already" in refused("package", "plain", "--out", out, "--home", place.home.root)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert golfsweep("package", "plain", "--out", empty, "--home", place.home.root)[0] == 0
    assert golfsweep("check", empty)[0] == 0


def test_an_entry_without_one_of_its_records_is_refused(place: Workplace) -> None:
    training = next(job for job in place.store.jobs(sweep="small") if job.order.job.stage == "train")
    outputs = training.outputs
    assert outputs is not None
    evaluation = package.gather(ROW, place)  # all is there
    assert evaluation.runs
    for name, said in (("log", "is without its log: "), ("metrics", "is without its log of training steps")):
        path = place.home.files / outputs[name][:2] / outputs[name]
        aside = path.rename(path.with_suffix(".aside"))
        try:
            with pytest.raises(InputError, match=said) as refusal:
                package.gather(ROW, place)
        finally:
            aside.rename(path)
        assert f"seed {training.order.job.seed}" in str(refusal.value)


def test_an_entry_that_is_not_legal_is_refused_with_its_findings(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("one"))
    with pytest.raises(InputError, match=r"one/leak: is flagged, not legal.*C3: the score knows its target"):
        package.gather("leak", place)


def test_an_entry_is_judged_by_the_rules_of_its_own_sweep_whatever_was_run_since(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("one", rules="strict"))
    with pytest.raises(InputError, match="one/base: is flagged, not legal, under rules strict: size: ") as refusal:
        package.gather("one/base", place)
    play(place, file("two"))
    with pytest.raises(InputError, match="one/base: is flagged, not legal, under rules strict: size: ") as second:
        package.gather("one/base", place)
    assert str(second.value) == str(refusal.value)


def test_an_entry_of_too_few_seeds_is_refused(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    sweep = play(place, file("one"))
    place.store.put_sweep(
        "one", replace(sweep, spec=parse_sweep(file("one", seeds={"confirm": [3, 4, 5, 6]}), "test")).to_json()
    )
    with pytest.raises(InputError, match=r"one/base: is not complete: 3 of 4 seeds are evaluated .* missing 6"):
        package.gather("one/base", place)


def test_a_public_record_and_an_unknown_entry_are_refused(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    with pytest.raises(InputError, match="no confirmed entry of that name"):
        package.gather("nothing", place)
    place.store.put_record("theirs", {"name": "theirs", "seeds": {"1": 1.1}})
    with pytest.raises(InputError, match="is an imported record"):
        package.gather("theirs", place)


def test_a_published_baseline_is_named(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    arms = [{"name": "base"}, {"name": "none", "eval": {"preset": "none"}}]
    sweep = play(place, file("one", arm=arms, baseline={"mean": 1.25, "std": 0.001, "n": 3}))
    row = next(row for row in board_of(sweep.spec.name, place).entries() if row.name == "base")
    _, against = comparison.describe_standing(row, sweep, board_of(sweep.spec.name, place))
    assert against["baseline"] == ("published record", 1.25)


def test_the_record_of_its_date_is_named_wherever_it_is_from(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("one"))
    sweep = play(place, file("two") | {"recipe": {**file("two")["recipe"], "eval": {"gpus": 1, "chunk": 128}}})
    place.store.put_record("base", {"name": "base", "date": 1.0, "seeds": {"1": 1.5, "2": 1.6}})
    rows = board_of(sweep.spec.name, place).entries()
    before = next(row for row in rows if (row.sweep, row.name) == ("one", "base"))
    row = next(row for row in rows if (row.sweep, row.name) == ("two", "base"))
    standing, against = comparison.describe_standing(row, sweep, board_of(sweep.spec.name, place))
    assert before.moments is not None
    assert against == {"incumbent": ("one/base", before.moments.mean)}
    assert standing["p_incumbent"] is not None


def test_a_place_that_cannot_be_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(InputError, match="--out"):
            package_folder.write(out, {"a": b"1"})


def test_a_folder_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk")))
    with pytest.raises(OSError, match="disk"):
        package_folder.write(tmp_path / "out", {"a": b"1"})
    assert list(tmp_path.iterdir()) == []
