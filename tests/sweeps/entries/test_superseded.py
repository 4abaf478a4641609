"""Entries that were measured with another arithmetic are listed in one line, and neither ranked nor compared."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from golf.errors import InputError
from jobs.stages import registry
from jobs.stages.registry import stage_named
from jobs.workplace import Workplace
from sweeps.entries.reading import board_of, pair_of, superseded_of
from sweeps.views.show import describe
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play, score

Bump = Callable[..., None]


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return Workplace.open(tmp_path / "it's a home")


@pytest.fixture
def bump(monkeypatch: pytest.MonkeyPatch) -> Bump:
    """Raise versions of arithmetic as a change of the code would."""

    def raise_versions(*names: str) -> None:
        raised = [replace(stage, version=stage.version + (stage.name in names)) for stage in registry.STAGES]
        monkeypatch.setattr(registry, "STAGES", tuple(raised))

    return raise_versions


def names(sweep: str, place: Workplace) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in board_of(sweep, place).table()}


def play_spring(place: Workplace) -> None:
    """A sweep whose every score beats what comes later."""
    play(place, file("spring"), lambda job: score(job) - 0.1)


@pytest.mark.parametrize("stage", ["train", "quantize", "eval", "audit"])
def test_old_scores_and_findings_do_not_come_back_as_incumbents(place: Workplace, bump: Bump, stage: str) -> None:
    play_spring(place)
    bump(stage)
    play(place, file("summer"), score)
    rows = names("summer", place)
    assert set(rows) == {"base", "none", "leak"}
    assert rows["base"]["incumbent"] is None
    assert rows["base"]["confirmations"] == 7
    assert {row["sweep"] for row in rows.values()} == {"summer"}
    [former] = superseded_of(place)
    new = stage_named(stage).version
    old = new - 1
    assert former.line == (
        f"3 entries of sweep spring were measured with older arithmetic ({stage} {old}, now {new}); "
        f"run it again: golfsweep run FILE"
    )


def test_a_superseded_sweep_ranks_nothing_and_running_it_again_ranks_it_anew(place: Workplace, bump: Bump) -> None:
    play_spring(place)
    assert set(names("spring", place)) == {"base", "none", "leak"}
    bump("audit")
    assert names("spring", place) == {}
    with pytest.raises(InputError, match='entry "base": 3 entries of sweep spring were measured with older arithmetic'):
        pair_of("base", "none", place)
    shown = describe("spring/base", place)
    assert "older arithmetic (audit" in shown["superseded"]
    assert shown["mismatches"] == []
    play_spring(place)
    assert set(names("spring", place)) == {"base", "none", "leak"}
    assert superseded_of(place) == []


def test_a_stage_that_this_code_does_not_have_supersedes(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    play_spring(place)
    monkeypatch.setattr(registry, "STAGES", tuple(stage for stage in registry.STAGES if stage.name != "audit"))
    [former] = superseded_of(place)
    assert "measured with another arithmetic (audit 4, not known now)" in former.line


def test_the_leaderboard_lists_them_in_one_line(golfsweep: Command, place: Workplace, bump: Bump) -> None:
    play_spring(place)
    bump("eval")
    out = golfsweep("leaderboard", "--home", place.home.root)[1]
    assert "NO ENTRY YET" in out
    assert "3 entries of sweep spring were measured with older arithmetic (eval 3, now 4)" in out
    document = json.loads(golfsweep("leaderboard", "--json", "--home", place.home.root)[1])
    versions = {"eval": {"measured": 3, "current": 4}}
    assert document["superseded"] == [{"sweep": "spring", "rows": ["base", "none", "leak"], "arithmetic": versions}]
    assert document["rows"] == []
