"""Chaos in short: a few faults on this machine without Ray; the long run is `make chaos`."""

import json
from pathlib import Path

import pytest

from benchmarks.chaos import __main__ as chaos
from golf.data.corpus import DemoData
from tests.short_data import with_short_data


@pytest.mark.timeout(1800)  # whole sweeps again and again, of which nobody says what they take on a machine
def test_killed_again_and_again_a_sweep_ends_in_the_same_leaderboard(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo: DemoData
) -> None:
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")  # set by the run for its children; taken back for tests that start Ray here
    monkeypatch.setattr(chaos, "FIRST_SECONDS", 2.0)
    monkeypatch.setattr(chaos, "PAUSE_SECONDS", (0.5, 1.5))
    text = (Path(chaos.__file__).parent / "second.toml").read_text().replace("confirm = [11, 12]", "confirm = [11]")
    sweep = tmp_path / "it's short.toml"
    sweep.write_text(with_short_data(text[: text.rindex("[[arm]]")], demo, tmp_path / "data"))
    code = chaos.main(["--faults", "3", "--places", "here", "--sweeps", str(sweep), "--seed", "5"])
    report = json.loads(capsys.readouterr().out)
    assert code == 0, report
    assert sum(report["faults"].values()) >= 3
    assert report["processes_left"] == []
