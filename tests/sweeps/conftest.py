"""Commands as a user types them, in this process; their documents must be those of docs/schemas/."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps import cli
from tests.schemas import check_document

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def golfsweep(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run a command in this process; its exit code, stdout and stderr."""

    def run(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["golfsweep", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        out, err = capsys.readouterr()
        if {"--json", "--brief"} & set(words) and out:
            check_document(words, out)
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def refused(golfsweep: Command) -> Callable[..., str]:
    """Run a command that must end with exit code 2 and one line; that line."""

    def run(*words: str | Path) -> str:
        code, out, err = golfsweep(*words)
        assert code == 2, (out, err)
        assert out == ""
        assert err.count("\n") == 1, err
        assert err.startswith("golfsweep: ")
        return err

    return run
