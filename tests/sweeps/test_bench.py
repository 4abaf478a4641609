"""Measurements are made and add up; how fast anything is, no test says."""

import json
import sys

import pytest

from sweeps import cli

RATES = {
    "flops_per_second",
    "peak_flops_per_second",
    "share_of_peak",
    "tokens_per_second",
    "device",
    "dtype",
    "threads",
}


@pytest.mark.parametrize(
    "words",
    [
        ["train", "--set", "train.batch_tokens=64", "--set", "train.seq_len=16", "--set", "train.model.num_layers=1"],
        ["eval", "--set", "eval.preset=none"],
    ],
)
def test_a_measurement_is_one_json_document(
    words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sweeps.bench.PEAK_SIDE", {"cpu": 64, "cuda": 64})
    monkeypatch.setattr("sweeps.bench.DOCUMENTS", 2)
    monkeypatch.setattr(sys, "argv", ["golfsweep", "bench", *words, "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert not end.value.code
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == words[0]
    assert found.keys() >= RATES
    assert found["share_of_peak"] == pytest.approx(found["flops_per_second"] / found["peak_flops_per_second"])
    seconds = found["seconds_per_step"] if words[0] == "train" else found["seconds"]
    counted = found["batch_tokens"] if words[0] == "train" else found["tokens"]
    assert found["tokens_per_second"] == pytest.approx(counted / seconds)
