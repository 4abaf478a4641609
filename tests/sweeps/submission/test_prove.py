"""`golfsweep prove` on an artifact file and on entries of a sweep whose jobs are played by hand."""

import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import create_engine

from golf.artifact.packing import QuantizeConfig, load, pack
from golf.data.tokens import split_documents, write_shard
from golf.proof import proof
from golf.proof.codec import Predictor, decode
from golf.selftest import BUNDLED
from golf.ttt.engine import EvalConfig, evaluate
from jobs.database import tables
from jobs.machine import environment
from jobs.scores import read_table, write_table
from jobs.stages.work.documents import eval_documents
from jobs.stages.work.settings import settings_of
from jobs.state import JobState
from jobs.workplace import Workplace
from sweeps.run.driving.opening import resolve
from sweeps.spec.file import parse_sweep
from tests.sweeps.conftest import Command

GOLDEN = BUNDLED[0]
REPORT = [
    "proved", "reason", "name", "protocol", "seed", "documents", "tokens", "text_bytes", "compressed_bytes",
    "length_bytes", "header_bytes", "bpb", "claimed_bpb", "difference", "allowed_difference", "encode_seconds",
    "decode_seconds", "length_uses",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shards of short documents, their tokenizer, and the golden model as an artifact."""
    folder = tmp_path_factory.mktemp("it's data")
    documents = json.loads((GOLDEN / "cases.json").read_text())["documents"]
    validation = [
        token for document, length in zip(documents[:3], (90, 60, 30), strict=True) for token in document[:length]
    ]
    write_shard(folder / "golden_val_000000.bin", validation)
    write_shard(folder / "golden_train_000000.bin", [token for document in documents for token in document[:-1]])
    shutil.copy(GOLDEN / "sp1024.model", folder)
    model = load(GOLDEN / "model.safetensors")
    (folder / "model.golf").write_bytes(
        pack(model.state_dict(), model.config, QuantizeConfig(codec="zstd", level=1))[0]
    )
    return folder


def documents_of(data: Path) -> list[np.ndarray[Any, Any]]:
    return split_documents(np.fromfile(data / "golden_val_000000.bin", "<u2")[512:])


def words_of(data: Path) -> tuple[str | Path, ...]:
    shard, tokenizer = data / "golden_val_000000.bin", data / "sp1024.model"
    return ("prove", data / "model.golf", "--tokens", shard, "--tokenizer", tokenizer)


def test_an_artifact_is_proved(golfsweep: Command, data: Path) -> None:
    sets = "--set", "eval.chunk=32", "--set", "eval.window=64"
    code, out, err = golfsweep(*words_of(data), *sets, "--documents", "2", "--seed", "3", "--json")
    assert code == 0, err
    report: dict[str, Any] = json.loads(out)
    assert list(report) == REPORT
    assert report["proved"] is True
    assert report["documents"] == 2
    documents = documents_of(data)[:2]
    assert report["tokens"] == sum(len(document) - 1 for document in documents)
    config = EvalConfig(chunk=32, window=64)
    nll = evaluate(load(data / "model.golf"), documents, config, seed=3).nll.sum()
    assert report["claimed_bpb"] == pytest.approx(nll / np.log(2) / report["text_bytes"], rel=1e-6)
    assert report["length_uses"] == []


def test_the_difference_of_another_precision_is_shown_and_is_in_no_tolerance(golfsweep: Command, data: Path) -> None:
    sets = "--set", "eval.chunk=32", "--set", "eval.window=64", "--set", "eval.precision=bfloat16"
    code, out, err = golfsweep(*words_of(data), *sets, "--documents", "2", "--json")
    assert code == 0, err
    proof = json.loads(out)
    documents, config = documents_of(data)[:2], EvalConfig(chunk=32, window=64)
    exact, half = (
        evaluate(load(data / "model.golf"), documents, replace(config, precision=precision)).nll.sum()
        for precision in ("float32", "bfloat16")
    )
    assert proof["claimed_bpb"] == pytest.approx(exact / np.log(2) / proof["text_bytes"], rel=1e-9)
    own = proof["own_precision"]
    assert own["precision"] == "bfloat16"
    assert own["bpb"] - proof["claimed_bpb"] == pytest.approx(own["difference_bpb"], abs=1e-12)
    assert own["difference_nats"] == pytest.approx((half - exact) / proof["tokens"], rel=1e-6)
    assert own["difference_nats"] != 0
    text = golfsweep(*words_of(data), *sets, "--documents", "2")[1]
    assert f"In bfloat16 the score is {own['bpb']:.5f} bits per byte, {own['difference_bpb']:+.5f} from that" in text


def test_a_score_too_far_from_float32_is_not_proved(
    golfsweep: Command, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sweeps.submission.prove.LIMITS", {"bfloat16": 1e-9})
    sets = "--set", "eval.chunk=32", "--set", "eval.window=64", "--set", "eval.precision=bfloat16"
    code, out, _ = golfsweep(*words_of(data), *sets, "--documents", "1", "--json")
    assert code == 1
    proof = json.loads(out)
    assert proof["proved"] is False
    assert re.fullmatch(
        r"in bfloat16 the score is \S+ nats per token from that in float32; rounding explains 1e-09", proof["reason"]
    )


def test_what_has_no_decoder_is_refused_with_the_reason(refused: Callable[..., str], data: Path) -> None:
    words = words_of(data)
    assert "eval.protocol = min-epoch: has no decoder: the lowest of 8" in refused(*words, "--preset", "chimera-611")
    assert "eval.protocol = last-epoch: has no decoder" in refused(*words, "--preset", "deepquant-596")
    assert "eval.nll_factor = 0.98: has no decoder" in refused(*words, "--set", "eval.nll_factor=0.98")


def test_what_cannot_be_used_is_named(refused: Callable[..., str], data: Path, tmp_path: Path) -> None:
    words = words_of(data)
    assert "--documents 9: " in refused(*words, "--documents", "9")
    assert "--documents 0: " in refused(*words, "--documents", "0")
    assert "needs --tokens SHARD and --tokenizer MODEL" in refused(*words[:2])
    assert "missing.golf: no such file" in refused("prove", tmp_path / "missing.golf", *words[2:])
    assert "sp1024.model: neither an artifact" in refused("prove", data / "sp1024.model", *words[2:])
    assert "did you mean chimera-611?" in refused(*words, "--preset", "chimera")
    assert not list(tmp_path.iterdir())
    write_shard(tmp_path / "empty_val_0.bin", [1, 1])
    sides = "--tokens", tmp_path / "empty_val_0.bin", "--tokenizer", data / "sp1024.model", "--documents", "1"
    assert "empty_val_0.bin: its documents have no text" in refused("prove", data / "model.golf", *sides)


# Rows


FILE: Mapping[str, Any] = {
    "name": "by-hand",
    "recipe": {"train": {"gpus": 1, "steps": 1}, "eval": {"gpus": 1}},
    "seeds": {"tune": [1], "confirm": [3, 4]},
    "arm": [
        {"name": "score-first", "baseline": True, "eval": {"chunk": 32, "window": 64}},
        {"name": "last/epoch", "eval": {"preset": "deepquant-596"}, "seeds": [3]},
    ],
}


@pytest.fixture
def home(data: Path, tmp_path: Path) -> Path:
    """A home with a sweep that is done: seed 3 has the golden model's scores, seed 4 claims half of them."""
    place = Workplace.open(tmp_path / "home")
    file = {**FILE, "data": {"tokens": str(data), "tokenizer": str(data / "sp1024.model"), "tuning_documents": 1}}
    sweep = resolve(parse_sweep(file, "test"), place.home, environment.machine())
    place.store.put_sweep(sweep.spec.name, sweep.to_json())
    driver = sweep.driver(place.store)
    artifact = place.files.put((data / "model.golf").read_bytes())
    while not driver.step().done:
        for job in place.store.jobs(states=[JobState.QUEUED]):
            outputs = {"train": {"weights": artifact}, "quantize": {"artifact": artifact}}.get(job.order.job.stage)
            if outputs is None:
                outputs = {"scores": place.files.put(table_of(data, job.order))}
            place.store.beat("by hand")
            place.store.claim("by hand", 1)
            attempt = place.store.start_attempt(job.key, "by hand", host="", workdir="/", versions={}, commit=None)
            place.store.finish(job.key, attempt, outputs, seconds=1.0, peak_bytes=None)
    place.store.close()
    return tmp_path / "home"


def table_of(data: Path, order: Any) -> bytes:
    """Scores of an evaluation as its shards would be written."""
    documents, counts = eval_documents(order)
    config = settings_of(EvalConfig, order.job.settings["eval"])
    scores = evaluate(load(data / "model.golf"), documents, config, seed=order.job.seed)
    nll = scores.nll * (0.5 if order.job.seed == 4 else 1.0)
    return write_table(range(len(documents)), nll, scores.tokens, np.array(counts))


def test_an_entry_is_proved_with_the_score_in_the_store(golfsweep: Command, home: Path) -> None:
    code, out, err = golfsweep("prove", "by-hand/score-first", "--documents", "3", "--json", "--home", home)
    assert code == 0, err
    report = json.loads(out)
    assert list(report) == REPORT
    assert (report["proved"], report["name"], report["seed"]) == (True, "by-hand/score-first", 3)
    assert report["documents"] == 3


def test_a_score_that_the_bytes_do_not_bear_out_exits_1(
    golfsweep: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(content: bytes, predictor: Predictor, _: Any) -> tuple[np.ndarray[Any, Any], str]:
        return np.concatenate(decode(content, predictor, "file")), ""

    monkeypatch.setattr(proof, "_decode_in_process", decoded)
    code, out, err = golfsweep("prove", "score-first", "--documents", "3", "--seed", "4", "--home", home)
    assert code == 1, err
    assert "by-hand/score-first, seed 4: NOT proved: the file takes" in out
    assert "bits per byte, claimed" in out


# What somebody has altered


def eval_job(place: Workplace) -> Any:
    return next(job for job in place.store.jobs() if job.order.label == "score-first seed 3")


def write_job(place: Workplace, key: str, **values: Any) -> None:
    """Write into a job's row, as somebody with access to the database can."""
    engine = create_engine(place.home.database_url)
    with engine.begin() as connection:
        connection.execute(tables.jobs.update().where(tables.jobs.c.key == key).values(**values))
    engine.dispose()


def alter_settings(place: Workplace, job: Any) -> None:
    content = json.loads(job.order.job.canonical())
    content["settings"]["eval"]["lr"] *= 2
    write_job(place, job.key, job=json.dumps(content))


def alter_input(place: Workplace, job: Any) -> None:
    content = json.loads(job.order.job.canonical())
    content["inputs"]["artifact"] = "0" * 64
    write_job(place, job.key, job=json.dumps(content))


def alter_digest(place: Workplace, job: Any) -> None:
    write_job(place, job.key, outputs={**job.outputs, "scores": "0" * 64})


def alter_weights(place: Workplace, job: Any) -> None:
    flip(place, job.order.job.inputs["artifact"])


def alter_losses(place: Workplace, job: Any) -> None:
    flip(place, job.outputs["scores"])


def flip(place: Workplace, digest: str) -> None:
    path = place.home.files / digest[:2] / digest
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("alter", "words"),
    [
        (alter_settings, "whose settings give that key"),
        (alter_input, "whose settings give that key"),
        (alter_digest, "000000000000"),
        (alter_weights, "damaged"),
        (alter_losses, "damaged"),
    ],
)
def test_what_was_altered_is_refused(
    refused: Callable[..., str], home: Path, alter: Callable[[Workplace, Any], None], words: str
) -> None:
    place = Workplace.open(home)
    alter(place, eval_job(place))
    place.store.close()
    assert words in refused("prove", "by-hand/score-first", "--documents", "1", "--home", home)


def test_losses_that_are_lower_than_the_predictions_give_are_not_proved(
    golfsweep: Command, home: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(content: bytes, predictor: Predictor, _: Any) -> tuple[np.ndarray[Any, Any], str]:
        return np.concatenate(decode(content, predictor, "file")), ""

    monkeypatch.setattr(proof, "_decode_in_process", decoded)
    place = Workplace.open(home)
    job = eval_job(place)
    table = read_table(place.files.get(job.outputs["scores"]))
    columns = {name: table[name].to_numpy() for name in table.column_names}
    nll = columns["nll"] * 0.9
    lower = place.files.put(write_table(range(len(nll)), nll, columns["tokens"], columns["bytes"]))
    write_job(place, job.key, outputs={**job.outputs, "scores": lower})
    place.store.close()
    code, out, err = golfsweep("prove", "by-hand/score-first", "--documents", "3", "--home", home)
    assert (code, "NOT proved" in out, "is allowed)" in " ".join(out.split())) == (1, True, True), err


def test_entries_that_cannot_be_proved(refused: Callable[..., str], home: Path, data: Path) -> None:
    assert "last-epoch: has no decoder" in refused("prove", "by-hand/last/epoch", "--home", home)
    assert "confirmed are: score-first, last/epoch" in refused("prove", "by-hand/nothing", "--home", home)
    assert "--seed 9: entry score-first has no such seed; it has 3, 4" in refused(
        "prove", "score-first", "--seed", "9", "--home", home
    )
    assert "--documents 4: " in refused("prove", "score-first", "--documents", "4", "--home", home)
    line = refused("prove", "by-hand/score-first", "--home", home, "--tokens", data / "golden_val_000000.bin")
    assert "an entry has its own data and settings" in line


def test_an_empty_home_has_no_entry(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "no sweep in" in refused("prove", "demo/lora-ttt", "--home", tmp_path)
