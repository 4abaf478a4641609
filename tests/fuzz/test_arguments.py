"""Command lines: whatever words follow, a command ends with a known exit code, and with one line for each error."""

import contextlib
import io
import random
import sys
from pathlib import Path

import pytest

import sweeps.cli  # noqa: F401  registers the commands
from sweeps.cli.app import run_command
from tests.fuzz.harness import fuzz

COMMANDS = (
    "plan",
    "status",
    "leaderboard",
    "compare",
    "show",
    "cancel",
    "import",
    "check",
    "eval",
    "prove",
    "gc",
    "run",
    "next",
    "wait",
)
OPTIONS = (
    "--home",
    "--db",
    "--files",
    "--set",
    "--nodes",
    "--slots",
    "--json",
    "--brief",
    "--detach",
    "--tag",
    "--owner",
    "--executor",
    "--debugg",
)
WORDS = [
    *("", "x", "nope", "-", "--", "-1", "0", "9" * 21, "nan", "\x1b[31m", "\u202ea", "a\nb", "\udcff", "x" * 3000),
    *("/dev/null", "/dev/zero", ".", "missing.toml", "sweep.toml", "=", "a.b.c=1", "lr=1", "eval.lr=", "eval.lr=nan"),
    *("eval.lr=[[[", "seeds.confirm=[-1]", "search.trials=100000", "name=\x1b", "train.gpus=1000000"),
    *("ray:x", "sqlite:///", "postgres://u:p@h/x", "x://"),
]


def test_random_command_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    # Nothing that a random line can name may start a real sweep.
    Path("sweep.toml").write_text(
        'name = "x"\ndata.tokens = "missing"\ndata.tokenizer = "missing"\nseeds.confirm = [1]\n'
    )

    def attempt(rng: random.Random) -> None:
        words = [rng.choice(COMMANDS) if rng.random() < 0.9 else rng.choice(WORDS)]
        for _ in range(rng.randint(0, 5)):
            words += [rng.choice(OPTIONS)] if rng.random() < 0.4 else []
            words.append(rng.choice(WORDS))
        monkeypatch.setattr(sys, "argv", ["golfsweep", *words])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run_command()
        lines = err.getvalue().split("\n")
        assert code in (0, 1, 2, 3), words
        assert "Traceback" not in err.getvalue(), (words, err.getvalue())
        assert "--debug shows where" not in err.getvalue(), (words, err.getvalue())
        if code in (2, 3):
            assert lines[0].startswith("golfsweep: "), (words, lines)
            assert all(line.startswith("golfsweep: ") for line in lines if line), (words, lines)
            assert all(line.isprintable() for line in lines), (words, lines)

    fuzz(attempt, name="arguments", attempts=300)
