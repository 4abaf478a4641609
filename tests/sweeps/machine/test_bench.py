"""Benchmarks at a small size: what they report adds up, and what they cannot take is refused."""

import sys

import pytest

from sweeps import cli
from sweeps.machine import bench
from tests.schemas import check_document

SMALL = ["--set", "train.model={ num_layers = 2, model_dim = 32, num_heads = 2, num_kv_heads = 1, mlp_hidden = 64 }"]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["golfsweep", "bench", *words])
    monkeypatch.setattr(bench, "COPIED_BYTES", 2**16)
    monkeypatch.setattr(bench, "PEAK_SIDE", {"cpu": 64, "cuda": 64})
    monkeypatch.setattr(bench, "DOCUMENTS", 2)
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


@pytest.mark.parametrize("codec", ["ans", "zstd"])
def test_an_artifact_is_measured_from_weights_to_file_and_back(
    codec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "artifact", *SMALL, "--set", f"quantize.codec={codec}", "--json") == 0
    report = check_document(("bench", "artifact"), capsys.readouterr().out)
    seconds = report["seconds"]
    assert report["codec"] == codec
    assert seconds["save"] == pytest.approx(seconds["quantize"] + seconds["code"] + seconds["write"])
    assert report["rate"] == pytest.approx(4 * report["weights"] / seconds["save"] / 1e6)
    assert report["load_rate"] == pytest.approx(4 * report["weights"] / seconds["load"] / 1e6)
    assert report["share_of_peak"] == pytest.approx(report["rate"] / report["peak"])
    assert report["unit"] == "MB/s"
    assert -0.05 < report["above_entropy"] < 0.2
    assert run(monkeypatch, "artifact", *SMALL) == 0
    assert "of copying memory" in capsys.readouterr().out


def test_training_steps_are_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", *SMALL, "--set", "train.batch_tokens=64", "--set", "train.seq_len=16"]
    assert run(monkeypatch, *words, "--json") == 0
    report = check_document(("bench", *words), capsys.readouterr().out)
    assert report["tokens_per_second"] == pytest.approx(64 / report["seconds_per_step"])
    assert report["share_of_peak"] == pytest.approx(report["rate"] / report["peak"])
    assert run(monkeypatch, *words) == 0
    assert "ms a step of 64 tokens" in capsys.readouterr().out


def test_evaluation_is_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "eval", *SMALL, "--set", "eval.preset=none", "--json") == 0
    report = check_document(("bench", "eval"), capsys.readouterr().out)
    assert (report["documents"], report["tokens"]) == (2, 2048)
    assert report["tokens_per_second"] == pytest.approx(2048 / report["seconds"])
    assert report["share_of_peak"] == pytest.approx(report["rate"] / report["peak"])


def test_settings_of_another_stage_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "artifact", "--set", "eval.lr=1") == 2
    assert (
        "--set eval.…: not a setting of this command; this command takes quantize.* and train.* settings"
        in capsys.readouterr().err
    )
    assert run(monkeypatch, "artifact", "--set", "quantize.codec=lzma") == 2
    assert "quantize.codec" in capsys.readouterr().err
