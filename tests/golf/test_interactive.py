"""The three calls of a notebook, and what they show."""

import os
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import golf
from golf.artifact import load
from golf.data.corpus import DemoData, bundled_corpus
from golf.data.stream import Stream
from golf.data.texts import read_texts
from golf.data.tokens import Tokenizer, find_shards
from golf.errors import InputError
from golf.interactive import DEMO, evaluate, quantize, train
from golf.model.config import ModelConfig
from golf.score import bits_per_byte
from golf.train import training
from golf.train.config import TrainConfig
from golf.train.learner import Learner
from golf.ttt import EvalConfig
from golf.ttt import evaluate as score_documents
from tests.golf.short_corpus import put_corpus

ROOT = Path(__file__).parents[2]
SMALL = replace(DEMO, steps=2, batch_tokens=128, seq_len=64, model=ModelConfig(
    num_layers=2, model_dim=16, num_heads=2, num_kv_heads=1, mlp_hidden=24, bigram_buckets=64, bigram_dim=8,
))  # fmt: skip


@pytest.fixture(autouse=True)
def corpus(demo: DemoData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short corpus, and a folder for what is trained."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    put_corpus(demo, tmp_path / "cache")
    monkeypatch.chdir(tmp_path)


def test_five_lines_lead_from_nothing_to_bits_per_byte(capsys: pytest.CaptureFixture[str]) -> None:
    weights = train(SMALL)
    artifact = quantize(weights)
    scores = evaluate(artifact, config=EvalConfig(protocol="none", adapters=()))
    assert artifact == weights.with_name("model.golf")
    demo = bundled_corpus()
    texts = read_texts(find_shards(demo.tokens, "val"), Tokenizer(demo.tokenizer))
    plain = score_documents(load(artifact), texts.documents, EvalConfig(protocol="none", adapters=()))
    assert np.array_equal(scores.nll, plain.nll)
    assert scores.bpb == bits_per_byte(float(plain.nll.sum()), sum(texts.num_bytes))
    assert repr(scores) == f"Scores({scores.bpb:.4f} bpb, 2 documents, {int(plain.tokens.sum()):,} tokens)"
    assert capsys.readouterr() == ("", "")  # nobody watches a test


def test_progress_is_one_line_that_ends_with_the_result(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("golf.progress.LEAST_SECONDS", 0.0)
    weights = train(SMALL, steps=3, progress=True)
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    lines = shown.split("\r")[1:]
    assert [line.partition(",")[0].strip() for line in lines[:3]] == ["train:  33%", "train:  67%", "train: 100%"]
    assert "step 1, loss 6." in lines[0] and lines[3].startswith("train: 3 steps, loss 6.")
    documents = [np.array([1, *range(300, 300 + length)]) for length in (40, 9)]
    evaluate(weights, documents, EvalConfig(chunk=8, window=16, min_document_tokens=12, epochs=2), progress=True)
    lines = capsys.readouterr().err.split("\r")[1:]
    assert lines[-2].startswith("evaluate: 100%")
    assert "Scores(" in lines[-1] and "nats per token, 2 documents, 49 tokens)" in lines[-1]


def test_it_trains_on_the_threads_of_a_job_and_leaves_them_as_they_were(
    monkeypatch: pytest.MonkeyPatch, demo: DemoData, tmp_path: Path
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS")
    threads: list[int] = []
    step, before = Learner.step, torch.get_num_threads()

    def watch(self: Learner, *args: Any, **options: Any) -> Any:
        threads.append(torch.get_num_threads())
        return step(self, *args, **options)

    torch.set_num_threads(2)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(Learner, "step", watch)
            weights = train(SMALL, seed=5)
        assert (set(threads), torch.get_num_threads()) == ({1}, 2)
    finally:
        torch.set_num_threads(before)
    stream = Stream.open(find_shards(demo.tokens, "train"))
    assert weights.read_bytes() == training.train(SMALL, tokens=stream, seed=5, out=tmp_path / "job").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"config": "scor-first"}, "scor-first: no preset; expected an EvalConfig or one of none, lora-ttt"),
        ({"documents": Path("val.bin")}, "val.bin: bits per byte need the tokenizer of its shards; give tokenizer="),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, arguments: dict[str, object], problem: str) -> None:
    weights = train(SMALL, steps=1)
    with pytest.raises(InputError) as error:
        evaluate(weights, **arguments)  # type: ignore[arg-type]
    assert str(error.value).startswith(problem)


def test_documents_without_text_have_no_bits_per_byte() -> None:
    scores = evaluate(train(SMALL, steps=1), [np.arange(1, 30)], "none")
    with pytest.raises(ValueError, match="the bytes of these documents' texts are not known"):
        _ = scores.bpb


def test_the_default_recipe_is_that_of_the_demo() -> None:
    recipe = tomllib.loads((ROOT / "examples/demo.toml").read_text())["recipe"]["train"]
    model = ModelConfig(**recipe.pop("model"))
    assert replace(TrainConfig(**recipe, model=model), gpus=1) == DEMO


CALLS = """
import sys
{before}
from golf import evaluate, quantize, train
import golf.train.config
from golf.train import TrainConfig, train as core
assert callable(train) and callable(golf.train) and not isinstance(core, type(sys)), train
assert golf.train.config.TrainConfig is TrainConfig
assert [each.__module__ for each in (evaluate, quantize)] == ["golf.interactive"] * 2
"""


@pytest.mark.parametrize("before", ["", "import golf.train.training"])
def test_the_calls_are_there_whatever_was_imported_before(before: str) -> None:
    done = subprocess.run([sys.executable, "-c", CALLS.format(before=before)], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_room_trains_as_the_call_does(tmp_path: Path) -> None:
    assert (
        golf.train(SMALL, steps=1, out=tmp_path / "a").read_bytes()
        == train(SMALL, steps=1, out=tmp_path / "b").read_bytes()
    )
    with pytest.raises(AttributeError, match="has no attribute 'trian'"):
        _ = golf.trian  # type: ignore[attr-defined]


def test_settings_show_what_differs_from_the_defaults() -> None:
    assert repr(TrainConfig()) == "TrainConfig()"
    assert repr(TrainConfig(steps=60, model=ModelConfig(num_layers=3))) == (
        "TrainConfig(steps=60, model=ModelConfig(num_layers=3))"
    )
    assert repr(EvalConfig(epochs=3)) == "EvalConfig(epochs=3)"
    assert repr(load(train(SMALL, steps=1))).startswith("GPT(2 layers, 16 wide, vocabulary of 1,024, ")
    assert "OMP_NUM_THREADS" in os.environ
