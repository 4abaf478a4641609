"""Help texts: complete, readable at any width, and printed without loading what does the work."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import typer

from sweeps import cli
from sweeps.cli.errors import ExitCode
from sweeps.cli.help import GROUPS, summary
from tests.sweeps.conftest import Command

HEAVY = ("torch", "ray", "optuna", "pandas", "scipy", "plotly", "sqlalchemy", "numpy")
LOADED = f"""
import sys
sys.argv[0] = "golfsweep"
from sweeps import cli
try:
    cli.main()
finally:
    print("loaded", *(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)
"""
ROOT: Any = typer.main.get_command(cli.app)
COMMANDS = [
    *((name,) for name in ROOT.commands),
    *(("bench", name) for name in ROOT.commands["bench"].commands),
]


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("--version",), ("run", "-h"), ("status", "--nonsense")])
def test_help_loads_nothing_heavy(words: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-c", LOADED, *words], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1] == "loaded"


def test_every_command_has_a_purpose() -> None:
    listed = [name for names in GROUPS.values() for name in names]
    assert sorted(listed) == sorted(ROOT.commands)
    assert len(set(listed)) == len(listed)


def test_a_bare_golfsweep_prints_the_commands_by_purpose(golfsweep: Command) -> None:
    code, out, err = golfsweep()
    assert (code, err) == (0, "")
    assert golfsweep("--help") == golfsweep("-h") == (0, out, "")
    places = [out.index(f"\n{title}:\n") for title in GROUPS]
    assert places == sorted(places)
    assert golfsweep("bench") == golfsweep("bench", "--help")


@pytest.mark.parametrize("width", [40, 80, 120])
def test_help_shows_whole_sentences_at_any_width(
    golfsweep: Command, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    _, out, _ = golfsweep("--help")
    flat = " ".join(out.split())
    for command in ROOT.commands.values():
        sentence = summary(command.help)
        assert sentence[-1] in ".?" and sentence[0].isupper()
        assert sentence in flat
    assert "..." not in out.replace("[ARGS]...", "") and "\x1b" not in out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(
    golfsweep: Command, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    code, out, err = golfsweep(*words, "-h")
    assert (code, err) == (0, "")
    [example] = [line for line in out.splitlines() if line.startswith("  Example: ")]
    assert example.startswith(f"  Example: golfsweep {' '.join(words)}")
    assert max(len(line) for line in out.splitlines() if line != example) <= 40
    assert "\x1b" not in out


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_examples_can_be_parsed(words: tuple[str, ...]) -> None:
    command = ROOT
    for word in words:
        command = command.commands[word]
    example = next(text for text in command.help.split("\n\n") if text.startswith("Example: "))
    typed = [word.strip('"') for word in example.removeprefix("Example: golfsweep ").split()]
    options = [word for word in typed if word.startswith("--")]
    target = ROOT.commands[typed[0]]
    target = target.commands[typed[1]] if typed[0] == "bench" else target
    known = {name for parameter in target.params for name in parameter.opts}
    assert set(options) <= known


def test_the_version_is_that_of_the_package(golfsweep: Command) -> None:
    assert golfsweep("--version") == (0, f"golfsweep {version('golfsweep')}\n", "")


# Completion


def completed(words: str, **environment: str) -> list[str]:
    """What a shell is offered for the last of some words."""
    shell = {"_GOLFSWEEP_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    command = [sys.executable, "-m", "sweeps.cli"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **shell, **environment})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_that_completes_words_is_printed(shell: str) -> None:
    command = [sys.executable, "-m", "sweeps.cli", "--show-completion", shell]
    environment = {**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0
    assert "_GOLFSWEEP_COMPLETE=" in done.stdout


def test_commands_and_options_are_completed() -> None:
    assert completed("golfsweep le") == ["leaderboard"]
    assert completed("golfsweep compare --j") == ["--json"]


# The document


def test_the_document_lists_every_command_and_exit_code() -> None:
    text = (Path(__file__).parents[3] / "docs/commands.md").read_text()
    rows = re.findall(r"^\| ([\w ]*) ?\| \[`(\w+)`\]\(#golfsweep-\w+\) \| (.+) \|$", text, re.MULTILINE)
    purposes = [(name, summary(ROOT.commands[name].help)) for names in GROUPS.values() for name in names]
    assert [(name, sentence) for _, name, sentence in rows] == purposes
    assert [title.strip() for title, _, _ in rows if title.strip()] == list(GROUPS)
    assert [int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)] == list(ExitCode)
