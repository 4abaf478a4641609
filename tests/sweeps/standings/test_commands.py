"""`import`, `check`, `leaderboard` and `compare` of contests beside Parameter Golf, as a user types them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.contests import catalog
from sweeps.views.leaderboard_document import SCHEMA_VERSION
from tests.sweeps.records import miniature as golf
from tests.sweeps.standings import logs

Command = Callable[..., tuple[int, str, str]]
SLOW, FAST = (
    [{steps: f"val_loss:{loss}"} for loss in ("3.2770", "3.2774", "3.2778", "3.2782")] for steps in (3325, 3150)
)


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two records of track 3 with their claims, one of track 1, and one of Parameter Golf."""
    monkeypatch.chdir(tmp_path)
    logs.write_runs(tmp_path / "track_3/05-20260430_muonh", map(logs.track_3, SLOW))
    logs.write_runs(tmp_path / "track_3/14-20260504_contra", map(logs.track_3, FAST))
    logs.write_claims(
        tmp_path / "track_3",
        [
            {"folder": "track_3/05-20260430_muonh", "row": 5, "steps": 3325, "mean": 3.2776, "n": 4},
            {"folder": "track_3/14-20260504_contra", "row": 14, "steps": 3150, "mean": 3.2774, "n": 4},
        ],
    )
    for part, seconds in (("this_pr", 79.5), ("baseline", 80.6)):
        runs = [logs.track_1(f"3.27{n}", seconds + n / 10) for n in range(1, 6)]
        logs.write_runs(tmp_path / "track_1/2026-07-17_FP8" / part, runs)
    golf.write(tmp_path / "golf/2026-03-18_good", {"val_bpb": 1.2001}, seed1=golf.first_era(1, "1.2001"))
    return tmp_path


def test_a_contest_is_imported_ranked_and_compared(golfsweep: Command, table: Path) -> None:
    code, out, _ = golfsweep("import", "--contest", "modded-nanogpt-3", table / "track_3", "--json")
    document = json.loads(out)
    assert code == 0
    assert sorted(document["changed"]) == ["05-20260430_muonh", "14-20260504_contra"]
    code, out, _ = golfsweep("leaderboard", "--contest", "modded-nanogpt-3", "--json")
    board = json.loads(out)
    assert board["rows"] == document["rows"]
    assert board["schema_version"] == SCHEMA_VERSION
    assert [(row["name"], row["value"], row["verdict"], row["verdict_test"]) for row in board["rows"]] == [
        ("14-20260504_contra", 3150.0, "better", "known-sigma"),
        ("05-20260430_muonh", 3325.0, "better", "known-sigma"),
    ]
    assert [finding["code"] for finding in board["rows"][0]["findings"]] == ["mean-differs"]
    assert [change["name"] for change in board["frontier"]] == ["05-20260430_muonh", "14-20260504_contra"]
    code, out, _ = golfsweep("compare", "14-20260504_contra", "05-20260430_muonh", "--json")
    comparison = json.loads(out)
    assert (code, comparison["verdict"], comparison["difference"]["steps"]) == (0, "better", -175.0)
    assert comparison["test"]["statistic"] == pytest.approx(0.0045 * 1.75 * 2**0.5)
    code, page, _ = golfsweep("leaderboard", "--format", "html")
    holders = page[page.index("Who held the record when") :]
    assert code == 0 and holders.index("05-20260430_muonh") < holders.index("14-20260504_contra")
    code, out, _ = golfsweep("import", "--contest", "modded-nanogpt-3", table / "track_3")
    assert "0 imported, 2 unchanged; golfsweep leaderboard --contest modded-nanogpt-3 shows them" in out


def test_entries_of_different_contests_are_never_in_one_ranking(golfsweep: Command, table: Path) -> None:
    golfsweep("import", "--contest", "modded-nanogpt-1", table / "track_1")
    _, alone, _ = golfsweep("leaderboard", "--json")  # the only contest that the home has entries of
    assert {row["contest"] for row in json.loads(alone)["rows"]} == {"modded-nanogpt-1"}
    golfsweep("import", table / "golf")
    golfsweep("import", "--contest", "modded-nanogpt-3", table / "track_3")
    names, notes = {}, {}
    for contest in ("parameter-golf", "modded-nanogpt-1", "modded-nanogpt-3"):
        _, out, _ = golfsweep("leaderboard", "--contest", contest, "--json")
        names[contest], notes[contest] = [row["name"] for row in json.loads(out)["rows"]], json.loads(out)["notes"]
    assert names == {
        "parameter-golf": ["2026-03-18_good"],
        "modded-nanogpt-1": ["2026-07-17_FP8/this_pr", "2026-07-17_FP8/baseline"],
        "modded-nanogpt-3": ["14-20260504_contra", "05-20260430_muonh"],
    }
    assert notes["parameter-golf"] == [
        "Entries of modded-nanogpt-1: golfsweep leaderboard --contest modded-nanogpt-1",
        "Entries of modded-nanogpt-3: golfsweep leaderboard --contest modded-nanogpt-3",
    ]
    _, out, _ = golfsweep("leaderboard", "--json")
    assert [row["name"] for row in json.loads(out)["rows"]] == ["2026-03-18_good"]
    code, _, err = golfsweep("compare", "2026-07-17_FP8/this_pr", "2026-03-18_good")
    assert code == 2 and "are not two entries of one contest (modded-nanogpt-1, parameter-golf)" in err


def test_times_of_two_folders_are_not_compared_and_parts_may_be_named_by_themselves(
    golfsweep: Command, refused: Callable[..., str], table: Path
) -> None:
    runs = [logs.track_1(f"3.27{n}", 70 + n / 10) for n in range(5)]
    logs.write_runs(table / "other/2026-08-01_Faster/this_pr", runs)
    ours = table / "track_1/2026-07-17_FP8"
    code, out, _ = golfsweep("import", "--contest", "modded-nanogpt-1", ours / "baseline", ours / "this_pr", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0
    assert [(row["name"], row["verdict"], row["verdict_against"]) for row in rows] == [
        ("2026-07-17_FP8/this_pr", "better", "2026-07-17_FP8/baseline"),
        ("2026-07-17_FP8/baseline", "better", "the target of 3.28"),
    ]
    golfsweep("import", "--contest", "modded-nanogpt-1", table / "other")
    line = refused("compare", "2026-08-01_Faster/this_pr", "2026-07-17_FP8/this_pr")
    assert "modded-nanogpt-1 compares seconds on one machine only" in line


def test_equal_names_in_two_contests_are_two_entries(golfsweep: Command, table: Path) -> None:
    logs.write_runs(table / "again/2026-03-18_good", map(logs.track_3, FAST))
    golfsweep("import", table / "golf")
    golfsweep("import", "--contest", "modded-nanogpt-3", table / "again")
    for contest in ("parameter-golf", "modded-nanogpt-3"):
        _, out, _ = golfsweep("leaderboard", "--contest", contest, "--json")
        assert [row["name"] for row in json.loads(out)["rows"]] == ["2026-03-18_good"]


def test_check_reviews_all_entries_of_a_record(golfsweep: Command, table: Path) -> None:
    code, out, _ = golfsweep("check", "--contest", "modded-nanogpt-1", table / "track_1/2026-07-17_FP8")
    assert code == 0
    assert "- Against 2026-07-17_FP8/baseline: **better**; Welch's t" in out
    assert "| run-0 | 3.271 | 1390 | 79.6 | 1 NVIDIA H100 80GB HBM3 |" in out
    code, out, _ = golfsweep("check", "--contest", "modded-nanogpt-3", table / "track_3/14-20260504_contra", "--json")
    document = json.loads(out)
    assert code == 1
    assert document["verdicts"]["14-20260504_contra"] == {
        "rules": {"passes": True, "against": []},
        "claims": {"passes": False, "against": ["mean-differs"]},
    }
    assert document["logs"]["14-20260504_contra"]["run-0"]["scores"] == {"val_loss": "3.2770"}


@pytest.mark.parametrize("form", ["table", "csv", "markdown"])
def test_every_form_shows_every_entry(
    golfsweep: Command, table: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    golfsweep("import", "--contest", "modded-nanogpt-3", table / "track_3")
    code, out, _ = golfsweep("leaderboard", "--format", form)
    assert code == 0
    for name in ("05-20260430_muonh", "14-20260504_contra"):
        assert name in out


def test_what_cannot_be_shown_or_is_no_contest_is_bad_input(
    golfsweep: Command, refused: Callable[..., str], table: Path
) -> None:
    golfsweep("import", "--contest", "modded-nanogpt-3", table / "track_3")
    assert 'did you mean "modded-nanogpt-3"' in refused("import", "--contest", "modded-nanogpt-4", table / "track_3")
    assert "2 records in it" in refused("check", "--contest", "modded-nanogpt-3", table / "track_3")


def test_a_record_of_parameter_golf_is_none_of_another_contest(golfsweep: Command, table: Path) -> None:
    code, out, _ = golfsweep("check", "--contest", "modded-nanogpt-3", table / "golf")
    assert code == 1 and "- `other-contest`: not of modded-nanogpt-3, by the scores that they print: seed1.log" in out


TOY = r"""
title = "Toy: the highest core score of three runs within a minute"
judge = "target"
[score]
metric = "core"
unit = "share"
direction = "higher"
[ranked]
by = "score"
[replicates]
seeds = true
[limits]
seconds = 60.0
[rule]
test = "target"
target = 0.25
level = 0.05
[machine]
compare = "any"
[log]
reader = "step-lines"
validation = '^epoch (?P<step>\d+) of (?P<of>\d+):'
score = '\b(?P<name>core)=(?P<value>0\.\d+)'
clock = ' after (?P<time>\d+) (?P<unit>s)$'
seed = '^seed (?P<seed>\d+)$'
"""


def test_a_contest_is_added_by_a_file_alone(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(catalog.FOLDER, tmp_path / "contests", ignore=lambda *_: ["__pycache__"])
    (tmp_path / "contests/toy.toml").write_text(TOY)
    monkeypatch.setattr(catalog, "FOLDER", tmp_path / "contests")

    def toy(seed: int, core: float, seconds: int) -> str:
        return f"seed {seed}\nepoch 1 of 2: core=0.1 after 3 s\nepoch 2 of 2: core={core} after {seconds} s\n"

    for name, base, seconds in (("high", 0.30, 50), ("low", 0.27, 59), ("slow", 0.40, 61), ("weak", 0.20, 9)):
        logs.write_runs(tmp_path / "runs" / name, [toy(seed, base + seed / 1000, seconds) for seed in (1, 2, 3)])
    code, out, _ = golfsweep("import", "--contest", "toy", tmp_path / "runs", "--json")
    rows = json.loads(out)["rows"]
    assert code == 0
    assert [(row["name"], row["rank"], row["track"]) for row in rows] == [
        ("high", 1, "unverified"),
        ("low", 2, "unverified"),
        ("weak", None, "unverified"),
        ("slow", None, "flagged"),
    ]
    assert (rows[0]["value"], rows[0]["direction"], sorted(rows[0]["runs"])) == (
        pytest.approx(0.302),
        "higher",
        ["1", "2", "3"],
    )
    code, out, _ = golfsweep("check", "--contest", "toy", tmp_path / "runs/slow")
    assert code == 1 and "- `time`: a training took 61.000 s, over 60 s" in out
    code, out, _ = golfsweep("leaderboard")
    assert code == 0 and out.startswith("Toy: the highest core score of three runs within a minute · 4 entries\n")
    assert "Fits     YES · 50.0 of 60 s (slowest run)" in out
    lines = [line.split() for line in out.splitlines() if line[:2] in ("1 ", "2 ", "– ")]
    assert [(line[1], "best" in line, "-0.03000" in line) for line in lines] == [
        ("high", True, False),
        ("low", False, True),
        ("weak", False, False),
    ]
    code, page, _ = golfsweep("leaderboard", "--format", "html")
    assert code == 0 and "0.30200 ± 0.00100 core over 3 seeds" in page and "-0.03000" in page
