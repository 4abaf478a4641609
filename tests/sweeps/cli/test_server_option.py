"""--server: where a command works, by options and variables, and what goes with neither."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sweeps.cli.servers import chosen_server, read_token
from tests.sweeps.conftest import Command

URL = "http://127.0.0.1:9"
"""Where nobody answers (the port of "discard")."""


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVER", "DB", "FILES", "TOKEN_FILE"):
        monkeypatch.delenv(f"GOLFSWEEP_{name}", raising=False)
    monkeypatch.setenv("GOLFSWEEP_TOKEN", "gs_1_secret")


def test_the_service_is_asked_and_nothing_is_made(golfsweep: Command, tmp_path: Path) -> None:
    code, out, err = golfsweep("status", "--server", URL, "--home", tmp_path / "home")
    assert (code, out) == (3, "") and f"server {URL}: ConnectError" in err and "secret" not in err
    assert not (tmp_path / "home").exists()


def test_it_does_not_go_with_a_database_or_files(refused: Callable[..., str]) -> None:
    for option, value in (("--db", "sqlite:///x.db"), ("--files", "x")):
        assert f"--server with {option}" in refused("status", "--server", URL, option, value)


def test_what_is_typed_wins_over_the_environment(
    golfsweep: Command, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOLFSWEEP_DB", f"sqlite:///{tmp_path}/some.db")
    assert golfsweep("status", "--server", URL)[0] == 3
    monkeypatch.setenv("GOLFSWEEP_SERVER", URL)
    assert "GOLFSWEEP_SERVER and GOLFSWEEP_DB are set" in refused("status")
    assert golfsweep("import", "--db", f"sqlite:///{tmp_path}/other.db", "--home", tmp_path, tmp_path)[0] == 2
    monkeypatch.delenv("GOLFSWEEP_DB")
    assert golfsweep("status")[0] == 3
    assert golfsweep("gc", "--home", tmp_path)[0] == 0, "what needs the database does not ask the service"
    assert chosen_server() is None


def test_a_token_is_needed(refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GOLFSWEEP_TOKEN", "")
    assert "needs a token; put it into GOLFSWEEP_TOKEN" in refused("status", "--server", URL)
    path = tmp_path / "token"
    monkeypatch.setenv("GOLFSWEEP_TOKEN_FILE", str(path))
    assert "token" in refused("status", "--server", URL)
    path.write_text("\n")
    assert "is empty" in refused("status", "--server", URL)
    path.write_text("gs_2_other\n")
    assert read_token() == "gs_2_other"


def test_a_token_without_tls_is_warned_of_in_one_line(golfsweep: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = "http://127.0.0.2:9"  # no name to look up, and not the address that counts as this machine's
    _, _, err = golfsweep("status", "--server", elsewhere)
    warning, problem = err.splitlines()
    assert "without TLS the token can be read on the way" in warning and elsewhere in problem
    assert "TLS" not in golfsweep("status", "--server", URL)[2]


def test_addresses_that_are_none_are_one_line(refused: Callable[..., str]) -> None:
    refused("leaderboard", "--server", "sweeps.example.org")
    assert "pw" not in refused("leaderboard", "--server", "https://me:pw@sweeps.example.org")


WITH = (
    "run", "work", "status", "leaderboard", "show", "logs", "cancel", "retry", "ls", "attach", "import", "compare",
    "token list", "plan", "watch", "export", "package", "open", "prove",
)  # fmt: skip
WITHOUT = ("serve", "gc", "token create", "token revoke", "challenge", "doctor", "demo", "submit")


def test_commands_on_sweeps_take_it_and_those_that_need_the_database_do_not(golfsweep: Command) -> None:
    takes = {words: "--server URL" in golfsweep(*words.split(), "--help")[1] for words in (*WITH, *WITHOUT)}
    assert takes == {**dict.fromkeys(WITH, True), **dict.fromkeys(WITHOUT, False)}
