"""`import`, `check` and the leaderboard with imported entries, as a user types them."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.store import Store
from sweeps import cli
from sweeps.board.evaluation import ImportedEntry
from sweeps.board.leaderboard import COLUMNS, leaderboard, to_json
from sweeps.views.terminal.table import render
from tests.schemas import check_document
from tests.sweeps.records import miniature as mini

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def golfsweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Command:
    """Run a command in this process, in an empty folder; its exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in words:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def records(tmp_path: Path) -> Path:
    root = tmp_path / "records"
    three = {f"seed{seed}": mini.first_era(seed, bpb) for seed, bpb in ((1, "1.2001"), (2, "1.2004"), (3, "1.2008"))}
    mini.write(root / "good", {"val_bpb": 1.2004, "date": "2026-03-18"}, **three)
    mini.write(root / "closed", {"val_bpb": 0.5601, "blurb": "(TTT_MIN_NLL=1)"}, seed7=mini.closed_era())
    mini.write(root / "empty-handed", {"val_bpb": 1.3}, train=mini.first_era().rsplit("final", 2)[0])
    return root


def test_imported_records_stand_on_the_leaderboard_without_any_sweep(golfsweep: Command, records: Path) -> None:
    code, out, _ = golfsweep("import", records, "--json")
    assert code == 0
    assert sorted(json.loads(out)["changed"]) == ["closed", "empty-handed", "good"]
    code, out, _ = golfsweep("leaderboard", "--json")
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    good = rows["good"]
    assert list(good) == list(COLUMNS)
    assert (good["track"], good["rank"], good["source"]) == ("unverified", 1, "import")
    assert good["seeds"] == {"1": 1.2001, "2": 1.2004, "3": 1.2008}
    assert good["val_bpb_mean"] == pytest.approx(1.2004333333, abs=1e-9)
    assert good["val_bpb_std"] == pytest.approx(0.000351188, abs=1e-9)
    assert good["bytes"] == {"model": 15_000_000, "code": 50_000, "total": 15_050_000, "limit": 16_000_000}
    assert (good["bytes_total"], good["train_seconds"], good["eval_seconds"]) == (15_050_000, 599.9, 1.5)
    assert good["findings"] == []
    assert all(good[name] is None for name in ("cost", "p_value", "p_adjusted", "p_incumbent", "p_paired"))
    assert (rows["closed"]["track"], rows["closed"]["rank"]) == ("flagged", 1)
    assert (rows["empty-handed"]["rank"], rows["empty-handed"]["val_bpb_mean"]) == (None, None)
    assert rows["empty-handed"]["seeds"] == {"7": None}
    code, out, _ = golfsweep("leaderboard")
    assert code == 0 and "good" in out


def test_importing_again_changes_nothing_and_changed_content_replaces(golfsweep: Command, records: Path) -> None:
    golfsweep("import", records)
    code, out, _ = golfsweep("import", records / "good", "--json")
    assert (code, json.loads(out)["changed"]) == (0, [])
    mini.write(records / "good", {"val_bpb": 1.1}, seed1=mini.first_era(1, "1.1000"))
    code, out, _ = golfsweep("import", records / "good", "--json")
    assert json.loads(out)["changed"] == ["good"]
    _, out, _ = golfsweep("leaderboard", "--json")
    assert {row["name"]: row["seeds"] for row in json.loads(out)["rows"]}["good"]["1"] == 1.1


def test_a_folder_that_cannot_be_read_whole_is_a_finding_and_the_rest_is_imported(
    golfsweep: Command, records: Path, tmp_path: Path
) -> None:
    (records / "closed/submission.json").write_text('{"val_bpb": 0.5601,}')
    with (records / "empty-handed/train_seed9.log").open("wb") as stream:
        stream.truncate((32 << 20) + 1)
    (mini.write(records / "only-json") / "submission.json").write_text("[")
    other = mini.write(tmp_path / "other/good", {"val_bpb": 1.2}, train=mini.first_era())
    code, out, _ = golfsweep("import", records, other, "--json")
    assert code == 0
    rows = {row["name"]: row for row in json.loads(out)["rows"]}
    said = {name: {finding["code"]: finding["detail"] for finding in row["findings"]} for name, row in rows.items()}
    assert sorted(rows) == ["closed", "empty-handed", "good", "only-json"]
    assert said["closed"]["unread"].startswith("submission.json: no JSON (")
    assert "missing-submission" in said["closed"] and rows["closed"]["seeds"] == {"7": 0.5601}
    assert said["empty-handed"]["unread"] == "train_seed9.log: 33,554,433 bytes, over 33,554,432; not read"
    assert {"unread", "missing-submission", "missing-logs"} <= set(said["only-json"])
    assert "other/good has the same name" in said["good"]["same-name"] and rows["good"]["seeds"]["1"] == 1.2001
    code, out, _ = golfsweep("check", records / "closed")
    assert code == 1 and "`missing-submission`" in out


def test_what_is_no_record_is_bad_input(golfsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    (tmp_path / "nothing/link").symlink_to(tmp_path)
    for command in ("import", "check"):
        code, _, err = golfsweep(command, tmp_path / "nothing")
        assert code == 2 and "nothing: no record" in err and len(err.splitlines()) == 1
        code, _, err = golfsweep(command, tmp_path / "missing")
        assert code == 2 and "missing: no such folder" in err and len(err.splitlines()) == 1
    assert not (tmp_path / ".golfsweep").exists()


def test_check_passes_a_sound_record_and_fails_another(golfsweep: Command, records: Path) -> None:
    code, out, _ = golfsweep("check", records / "good")
    assert code == 0
    assert "- **rules as accepted**: passes\n- **written rules**: passes" in out
    assert "| 1 | seed1.log | final_int8_zlib_roundtrip | 1.2001 | – | 1.2001 | 9000 | 599.9 | 1.5 |" in out
    code, out, _ = golfsweep("check", records / "closed", "--json")
    verdicts = json.loads(out)["verdicts"]
    assert code == 1
    assert {"C2", "C3", "C4"} <= set(verdicts["accepted"]["against"])
    assert verdicts["claims"] == {"passes": True, "against": []}
    mini.write(records / "good", {"val_bpb": 1.2001})
    code, out, _ = golfsweep("check", records / "good")
    assert code == 1 and "- **claims compared with logs**: does not pass: best-seed" in out


def test_check_shows_bytes_three_ways_and_tests_against_the_claimed_baseline(
    golfsweep: Command, tmp_path: Path
) -> None:
    logs = {f"seed{seed}": mini.phased_era(seed, bpb) for seed, bpb in ((1, "1.0601"), (2, "1.0605"), (3, "1.0609"))}
    submission = {"val_bpb": 1.0605, "bytes_total": 15_968_000, "comparison_baseline_bpb": 1.0655}
    code, out, _ = golfsweep("check", mini.write(tmp_path / "r", submission, **logs), "--json")
    document = json.loads(out)
    assert code == 0  # raw code and compile time are over, which only the strict profile minds
    assert document["bytes"] == {"raw": 16_070_000, "shipped": 15_968_000, "claimed": 15_968_000, "limit": 16_000_000}
    assert document["verdicts"]["strict"]["against"] == ["size-raw", "time-process"]
    # t = (1.0655 − 1.0605)/(0.0004/√3), df 2; the margin is 0.005·1.0601/2.739 bits per byte.
    assert document["statistics"]["margin 0"]["statistic"] == pytest.approx(21.6506, abs=1e-3)
    margin = document["statistics"]["margin 0.005 nats per token"]
    assert margin["statistic"] == pytest.approx((0.005 - 0.005 * 1.0601 / 2.739) / (0.0004 / 3**0.5), abs=1e-3)
    code, out, _ = golfsweep("check", tmp_path / "r")
    assert "| model + code as written | 16,070,000 | -70,000 |" in out
    assert "| log | 1190.000 | – |" in out  # over 600 s, which nothing limits
    assert "| eval.total | 500.100 | no |" in out and "| train.train | 596.123 | no |" in out


def test_markdown_of_others_cannot_break_out(golfsweep: Command, tmp_path: Path) -> None:
    root = mini.write(tmp_path / "a|b", {"val_bpb": "<b>`x`|"}, **{"t|<i>": mini.first_era()})
    _, out, _ = golfsweep("check", root)
    assert "<b>" not in out and "<i>" not in out and "a\\|b" in out


@pytest.mark.parametrize("command", ["import", "check"])
def test_commands_have_help_with_an_example(golfsweep: Command, command: str) -> None:
    code, out, _ = golfsweep(command, "--help")
    assert code == 0 and "Example: golfsweep" in out


def test_names_and_values_cannot_drive_a_terminal_or_break_the_store(golfsweep: Command, tmp_path: Path) -> None:
    hostile, root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff\x1b[31m")), tmp_path / "bad[31m"
    for folder in (hostile, root):
        mini.write(folder, {"val_bpb": "\x1b[2J\ud800", "author": "\x07"}, **{"t\n": mini.first_era()})
    code, out, err = golfsweep("import", hostile)
    assert code == 2 and out == "" and err.count("\n") == 1 and "\x1b" not in err
    code, out, _ = golfsweep("import", root, "--json")
    assert code == 0 and json.loads(out)["rows"][0]["name"] == "bad[31m"
    for words in (["import", root], ["leaderboard"], ["check", root]):
        code, out, _ = golfsweep(*words)
        assert "\x1b" not in out and "\x07" not in out


def test_entries_are_ranked_within_their_track(tmp_path: Path) -> None:
    def content(name: str, bpb: float | None, track: str) -> dict[str, object]:
        unknown = ("model_bytes", "code_bytes", "total_bytes", "train_seconds", "eval_seconds")
        return {"name": name, "track": track, "seeds": {"1": bpb}, "clocks": {}, "findings": []} | dict.fromkeys(
            unknown
        )

    given = (("b", 1.2, "unverified"), ("a", 1.1, "unverified"), ("n", None, "unverified"), ("f", 0.5, "flagged"))
    imported = [ImportedEntry.from_json(content(*fields)) for fields in given]
    frame = leaderboard([], imported=imported, profile="accepted")
    assert [(row["name"], row["rank"]) for _, row in frame.iterrows()] == [("f", 1), ("a", 1), ("b", 2), ("n", None)]
    render(to_json(frame)["rows"])


def test_a_record_in_the_store(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'store.db'}", clock=lambda: 7.0)
    assert store.put_record("a", {"x": 1})
    assert not store.put_record("a", {"x": 1})
    assert store.put_record("a", {"x": 2})
    assert store.records() == [{"x": 2}]
    with pytest.raises(ValueError, match="JSON"):
        store.put_record("b", {"x": float("nan")})
