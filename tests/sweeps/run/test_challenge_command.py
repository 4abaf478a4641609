"""The command, on a small sweep whose jobs run in this process: everything is real but the training."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cluster.executor import Task
from jobs.workplace import Workplace
from sweeps import cli
from tests.schemas import check_document
from tests.sweeps import inline
from tests.sweeps.inline import Record

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def golfsweep(place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command on the home in this process; its exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *words, "--home", str(place.home.root)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in words:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    return run


def test_a_challenge_is_planned_interrupted_resumed_and_shown(
    golfsweep: Command, place: Workplace, data: dict[str, Any], record: Record
) -> None:
    code, out, _ = golfsweep("challenge", "adapted", "--dry-run", "--json")
    planned = json.loads(out)
    assert (code, planned["state"], planned["outcome"], planned["test"]) == (0, None, None, "paired-artifacts")
    assert record.ran == [] and place.store.sweep(planned["sweep"]) is None

    def interrupt(task: Task) -> None:
        if len(record.ran) == 5:
            raise KeyboardInterrupt

    record.before = interrupt
    code, out, err = golfsweep("challenge", "adapted", "--executor", "inline", "--json")
    stopped = json.loads(out)
    assert (code, stopped["code"], stopped["outcome"], stopped["state"]) == (130, 130, None, "stopped")
    assert "resume with: golfsweep challenge adapted" in err
    record.before = lambda _: None
    code, out, _ = golfsweep("challenge", "adapted", "--executor", "inline")
    assert code == 1 and "the claim FALLS" in out  # random weights gained by chance
    done = len(record.ran)
    code, out, _ = golfsweep("challenge", "adapted", "--executor", "inline", "--json")
    document = json.loads(out)
    assert (code, document["outcome"], document["state"]) == (1, "falls", "done")
    assert len(record.ran) == done
    seeds = next(analysis["seeds"] for analysis in document["analyses"] if analysis["outcome"] == "falls")
    assert planned["seeds_best"] <= seeds <= planned["seeds_most"]
    assert {name: document[name] for name in ("seeds", "gain_mbpb", "sweep")} == {
        name: planned[name] for name in ("seeds", "gain_mbpb", "sweep")
    }
    [sweep] = json.loads(golfsweep("status", planned["sweep"], "--json")[1])["sweeps"]
    assert (sweep["state"], sweep["stages"]["train"]["done"]) == ("done", seeds)
    rows = json.loads(golfsweep("leaderboard", planned["sweep"], "--json")[1])["rows"]
    fresh = {str(seed) for seed in planned["seeds"][:seeds]}
    assert {row["name"]: set(row["seeds"]) for row in rows} == {"adapted": fresh, "base": fresh}


def test_the_written_rules_margin_is_that_of_the_strict_profile(
    golfsweep: Command, place: Workplace, data: dict[str, Any], record: Record
) -> None:
    assert inline.run(inline.spec_of(data, rules="strict"), place).done
    assert json.loads(golfsweep("challenge", "adapted", "--dry-run", "--json")[1])["margin_mbpb"] > 1


def test_without_a_sweep_there_is_nothing_to_challenge(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["golfsweep", "challenge", "adapted", "--json"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2 and "there is no sweep in" in json.loads(capsys.readouterr().out)["error"]
