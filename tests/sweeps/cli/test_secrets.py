"""No command prints the password of a URL that it was given."""

import contextlib
import io
import os
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sweeps import cli

FIRST, LAST = "Zq9", "9qZ"
TINY = Path(__file__).parents[2] / "tiny.toml"
CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
PASSWORDS = st.text(CHARACTERS, max_size=12).map(lambda text: f"{FIRST}{text}{LAST}")
COMMANDS = [
    ("status",), ("leaderboard",), ("show", "x"), ("compare", "a", "b"), ("cancel", "x"), ("gc",),
    ("plan", str(TINY), "--quick"),
    ("run", str(TINY), "--here"), ("nonsense",), ("status", "--nodes"),
]  # fmt: skip
FORMS = {
    "raw": ("--db", "postgresql://me:{raw}@127.0.0.1:9/x"),
    "encoded": ("--db", "postgresql://me:{encoded}@127.0.0.1:9/x"),
    "parameter": ("--db", "postgresql://127.0.0.1:9/x?user=me&password={encoded}"),
    "not a URL": ("--db", "host=127.0.0.1 port=9 password={encoded}"),
    "no such driver": ("--db", "nosql://me:{encoded}@h/x"),
    "files": ("--files", "nofs://me:{raw}@h/x"),
    "key of a bucket": ("--files", "nofs://bucket/x?aws_secret_access_key={encoded}"),
    "environment": ("GOLFSWEEP_DB", "postgresql://me:{raw}@127.0.0.1:9/x"),
}


def run(*words: str, **variables: str) -> tuple[int, str]:
    """Run a command in this process; its exit code and all that it printed."""
    out, argv, environment = io.StringIO(), sys.argv, dict(os.environ)
    sys.argv = ["golfsweep", *words]
    os.environ.update(variables)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), pytest.raises(SystemExit) as end:
            cli.main()
    finally:
        sys.argv = argv
        os.environ.clear()
        os.environ.update(environment)
    return int(end.value.code or 0), out.getvalue()


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(password=PASSWORDS, command=st.sampled_from(COMMANDS), debug=st.booleans(), json_=st.booleans())
def test_no_command_prints_a_password(
    tmp_path: Path, form: str, password: str, command: tuple[str, ...], debug: bool, json_: bool
) -> None:
    name, pattern = FORMS[form]
    url = pattern.format(raw=password, encoded=quote(password, safe=""))
    options = [*["--json"] * json_, *["--debug"] * debug, "--home", str(tmp_path)]
    given_url = {} if name.startswith("--") else {name: url}
    code, printed = run(*command, *options, *([] if given_url else [name, url]), **given_url)
    assert code in (2, 3), printed
    assert FIRST not in printed and LAST not in printed


def test_the_command_that_resumes_a_sweep_hides_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    from sweeps.cli.app import command_line

    words = ["golfsweep", "run", "x.toml", "--db", "postgresql://me:a b@c/d@h/x", "--files", "s3://b/x?secret=k"]
    monkeypatch.setattr(sys, "argv", words)
    assert command_line() == "golfsweep run x.toml --db postgresql://me:***@h/x --files s3://b/x?secret=***"
