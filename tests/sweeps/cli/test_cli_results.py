"""leaderboard and compare as a user types them."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.workplace import Workplace
from sweeps import cli
from sweeps.board.leaderboard import COLUMNS
from tests.schemas import check_document
from tests.sweeps.made_up import file, play

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cli") / "a home"
    play(Workplace.open(root), file("main"))
    return root


@pytest.fixture
def golfsweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path) -> Command:
    """Run a command on the home in this process; its exit code, stdout and stderr."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *words, "--home", str(home)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in words:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    return run


def test_the_leaderboard_in_every_form(golfsweep: Command) -> None:
    code, out, err = golfsweep("leaderboard", "--json")
    document = json.loads(out)
    assert (code, err, tuple(document["rows"][0])) == (0, "", COLUMNS)
    assert [change["name"] for change in document["frontier"]] == ["base"]
    assert golfsweep("leaderboard", "main", "--format", "json")[1] == out
    assert [row["name"] for row in csv.DictReader(io.StringIO(golfsweep("leaderboard", "--format", "csv")[1]))] == [
        "base", "none", "leak",
    ]  # fmt: skip
    assert golfsweep("leaderboard", "--format", "markdown")[1].startswith("### Legal")
    page = golfsweep("leaderboard", "--format", "html")[1]
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert page.count("<caption>") == 2 and "http" not in page
    assert "Flagged" in golfsweep("leaderboard")[1]
    code, out, err = golfsweep("leaderboard", "--format", "xml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "markdown" in err


def test_two_rows_are_compared(golfsweep: Command, home: Path) -> None:
    assert json.loads(golfsweep("compare", "base", "main/none", "--json")[1])["report"] is None
    code, out, err = golfsweep("compare", "base", "main/none", "--html", "--json")
    comparison = json.loads(out)
    assert (code, err) == (0, "")
    assert Path(comparison["report"]).is_relative_to(home)
    assert Path(comparison["report"]).exists()
    assert comparison["verdicts"]["precedent"]["passed"] is True
    assert "mBPB better than none, which is SHOWN" in golfsweep("compare", "base", "none")[1]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (("base", "leak"), "different tracks"),
        (("base", "nobody"), 'entry "nobody": no confirmed entry of that name'),
        (("base", "base"), "name two different entries to compare"),
        (("other/base", "none"), 'entry "other/base"'),
    ],
)
def test_what_cannot_be_compared_is_one_line(golfsweep: Command, rows: tuple[str, str], words: str) -> None:
    code, out, err = golfsweep("compare", *rows)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_cancelling_a_finished_sweep_changes_nothing(golfsweep: Command, home: Path) -> None:
    before = json.loads(golfsweep("status", "--json")[1])
    code, out, err = golfsweep("cancel", "main")
    assert (code, out, err) == (0, "sweep main: already done: nothing to cancel\n", "")
    outcome = json.loads(golfsweep("cancel", "main", "--json")[1])
    assert (outcome["cancelled"], outcome["ended"]) == ([], True)
    after = json.loads(golfsweep("status", "--json")[1])
    assert after == before
    assert after["sweeps"][0]["state"] == "done"


def test_compare_has_help_with_an_example_and_says_what_there_is(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "sweeps.cli", "compare", "--help"], capture_output=True, text=True)
    assert "Example: golfsweep compare" in done.stdout
    words = [sys.executable, "-m", "sweeps.cli", "compare", "a", "b", "--home", str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 2
    assert 'entry "a": no confirmed entry of that name; there are: none yet' in done.stderr


def test_public_records_are_compared_without_any_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Workplace.open(tmp_path).store
    for name, given in (("PR 1493", (1.08079, 1.08103, 1.08118)), ("PR 1514", (1.07928348, 1.07996676, 1.08024795))):
        store.put_record(name, {"name": name, "seeds": {str(seed): score for seed, score in enumerate(given)}})
    words = ["golfsweep", "compare", "PR 1514", "PR 1493", "--json", "--home", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code in (0, None)
    assert round(json.loads(capsys.readouterr().out)["tests"]["welch"]["p_value"], 3) == 0.020
