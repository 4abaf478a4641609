"""Chaos in short: a few kills of drivers, workers and ranks, on this machine; the long run is `make chaos`."""

import json
from pathlib import Path

import pytest

from benchmarks import chaos


def test_killed_again_and_again_a_sweep_ends_in_the_same_leaderboard(capsys: pytest.CaptureFixture[str]) -> None:
    sweep = Path(chaos.__file__).parent / "chaos.toml"
    code = chaos.main(["--kills", "3", "--sweeps", str(sweep), "--seed", "5"])
    found = json.loads(capsys.readouterr().out)
    assert code == 0, found
    assert sum(found["kills"].values()) >= 3
    assert found["processes_left"] == []
