"""What every reading command prints: hostile names, narrow terminals, and a locale that takes only ASCII."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from tests.schemas import check_document
from tests.sweeps.made_up import file, play
from tests.sweeps.records import miniature as mini

Command = Callable[..., tuple[int, str, str]]

RECORD = "=PR [red]|`<b>é名"
"""The name of a public record's folder."""
SUBMISSION: dict[str, Any] = {
    "val_bpb": 1.2001, "author": "=cmd|' /C calc'!A0\x1b]8;;http://x\x07", "date": "2026-03-17",
    "seed_results": {"42": {"val_bpb": 1.2001}},
}  # fmt: skip
SWEEP = Path(__file__).parents[2] / "tiny.toml"
LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
RUN_ALL = """
import json, os, sys
from sweeps import cli
codes = []
for words in json.load(sys.stdin):
    sys.argv = ["golfsweep", *(os.fsdecode(bytes.fromhex(word)) for word in words)]
    try:
        cli.main()
    except SystemExit as end:
        codes.append(int(end.code or 0))
    print("-" * 20)
print("codes", codes)
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, demo: DemoData) -> Path:
    root = tmp_path_factory.mktemp("output") / "home"
    place = Workplace.open(root)
    play(place, file("main"))
    place.home.demo.parent.mkdir(parents=True, exist_ok=True)
    place.home.demo.symlink_to(demo.tokens)
    record = mini.write(root.parent / "records" / RECORD, SUBMISSION, seed42=mini.first_era(42))
    (record / "a\u202eb.log").write_text(mini.first_era(7), encoding="utf-8")
    return root


@pytest.fixture
def records(home: Path) -> Path:
    return home.parent / "records"


def commands(home: Path, records: Path) -> list[list[str]]:
    """Every command that reads, in every form; the first imports."""
    place = ["--home", str(home)]
    forms = [["--format", form] for form in ("table", "json", "csv", "markdown", "html")]
    return [
        ["import", str(records), *place],
        *(["leaderboard", "main", *form, *place] for form in forms),
        ["status", *place], ["status", "main", "--json", *place], ["status", "--brief", *place], ["next", *place],
        ["next", "--json", *place], ["wait", "main", "--seconds", "0", *place], ["leaderboard", "--brief", *place],
        ["show", "main", *place], ["show", "main/base", *place], ["show", "main/base", "--json", *place],
        ["compare", "base", "none", "--html", *place], ["compare", "base", "none", "--json", *place],
        ["check", str(records / RECORD)],
        ["gc", *place], ["plan", str(SWEEP), "--quick", *place],
        ["--help"], ["leaderboard", "--help"], ["audit", "--help"],
    ]  # fmt: skip


def run_all(words: list[list[str]], environment: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    """Run commands one after another in one new process."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG"))}
    command = [sys.executable, "-c", RUN_ALL]
    given = json.dumps([[os.fsencode(word).hex() for word in command] for command in words]).encode()
    return subprocess.run(command, input=given, capture_output=True, env={**variables, **environment}, check=False)


def test_a_locale_without_unicode_gets_ascii(home: Path, records: Path) -> None:
    words = commands(home, records)
    done = run_all(words, {**LOCALE, "COLUMNS": "80"})
    assert done.stdout.isascii() and done.stderr.isascii()
    text = done.stdout.decode("ascii")
    assert done.returncode == 0, done.stderr.decode()
    codes = json.loads(text.rsplit("codes ", 1)[1])
    assert len(codes) == len(words)
    assert [code for code in codes if code not in (0, 1)] == []
    assert "+/- " in text and "\x1b" not in text
    assert "\\u540d" in text
    for path in (home / "reports").glob("*.html"):
        assert path.read_bytes().decode("utf-8")


@pytest.fixture
def golfsweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Run a command in this process; its exit code, stdout and stderr."""
    from sweeps import cli

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if "--json" in words:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    yield run


def test_no_command_prints_what_a_terminal_obeys(home: Path, records: Path, golfsweep: Command) -> None:
    for words in commands(home, records):
        code, out, err = golfsweep(*words)
        assert code in (0, 1), (words, err)
        odd = {char for char in out + err if not char.isprintable() and char != "\n"}
        assert odd <= ({"\u200b", "\t", "\ufeff"} if "html" in words else set()), (words, odd)


@pytest.mark.parametrize("columns", ["20", "40", "60", "80", "120", "200", "0", "wide", ""])
def test_tables_fit_any_width(
    columns: str, home: Path, records: Path, golfsweep: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    golfsweep("import", str(records), "--home", str(home))
    monkeypatch.setenv("COLUMNS", columns)
    code, out, _ = golfsweep("leaderboard", "main", "--home", str(home))
    assert code == 0
    if columns.isdigit() and int(columns):
        assert max(map(len, out.splitlines())) <= int(columns)
    else:  # a pipe, whose reader has no width
        assert "Left out" not in out and "…" not in out
        assert any("seeds" in line and "entry" in line for line in out.splitlines())
    assert "1.1696" in out
    code, out, _ = golfsweep("compare", "base", "none", "--home", str(home))
    lines = out.splitlines()
    assert code == 0
    assert max(map(cell_len, lines)) <= int(columns if columns.isdigit() and int(columns) else 100_000)
    assert sum("┃" in line or "●" in line for line in lines) == 2


def test_a_spreadsheet_runs_no_name(home: Path, records: Path, golfsweep: Command) -> None:
    golfsweep("import", str(records), "--home", str(home))
    _, out, _ = golfsweep("leaderboard", "main", "--format", "csv", "--home", str(home))
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 4
    texts = {value for row in rows for value in row.values() if value[:1] in tuple("=+@\t\r")}
    assert texts == set()
    named = next(row for row in rows if "PR" in row["name"])
    assert named["name"].startswith("'=PR [red]") and named["author"].startswith("'=cmd|")
    numbers = [row["difference_mbpb"] for row in rows if row["difference_mbpb"]]
    assert all(float(number) == float(number) for number in numbers)


def test_markdown_of_a_record_has_no_tag_or_cell_of_its_name(records: Path, golfsweep: Command) -> None:
    code, out, _ = golfsweep("check", str(records / RECORD))
    assert code in (0, 1)
    assert out.splitlines()[0].startswith(r"# Check of =PR \[red\]")
    assert "<b>" not in out
    for line in out.splitlines():
        if line.startswith("| 42 "):
            assert line.replace(r"\|", "").count("|") == 10


def test_an_error_is_one_visible_line(golfsweep: Command, tmp_path: Path) -> None:
    name = "no\n\x1b[2J\u202e[red]\udcff"
    place = ["--home", str(tmp_path / "home")]
    folder = mini.write(tmp_path / name, SUBMISSION, seed42=mini.first_era(42))
    for words in (
        ["show", name, *place],
        ["import", str(folder), *place],
        ["check", str(tmp_path / f"no {name}")],
        [name],
    ):
        code, out, err = golfsweep(*words)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1 and err.removesuffix("\n").isprintable(), err


def test_what_has_no_room_on_stdout_ends_with_one_line(home: Path) -> None:
    """A program writes when it prints, and once more when it ends."""
    script = "import sys; from sweeps import cli; sys.argv = sys.argv[1:]; cli.main()"
    for words in (["leaderboard", "main", "--json"], ["status"]):
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-c", script, "golfsweep", *words, "--home", str(home)], stdout=full,
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
        assert done.returncode in (1, 3), done.stderr
        assert done.stderr.startswith("golfsweep: ") and done.stderr.count("\n") == 1, done.stderr
        assert "no space left" in done.stderr
