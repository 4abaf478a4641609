"""Every command with --json has a committed schema, which its real output satisfies, and so has the API.

The fixtures that run commands in tests check each document that they print (`tests.schemas.check_document`).
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from jsonschema import Draft202012Validator, ValidationError

from docs.generate.schemas import FOLDER, schema_files
from golf.data.corpus import DemoData
from jobs.workplace import Workplace
from sweeps.cli import app
from tests.schemas import check_document, validator
from tests.sweeps.cli.test_run_command import SWEEP
from tests.sweeps.conftest import Command
from tests.sweeps.conftest import golfsweep as golfsweep
from tests.sweeps.made_up import file, play

ROOT = Path(__file__).parents[2]
RUN_HERE = (
    "ls", "status", "leaderboard", "leaderboard nothing", "show many", "show many/base", "show KEY", "open many",
    "compare edit-1 base", "compare edit-1 base --brief", "export many --to csv --out results", "retry many",
    "cancel many", "watch many", "logs KEY", "next", "wait many --seconds 0", "gc", "plan small.toml --quick",
    "plan small.toml --quick --brief", "status --brief", "leaderboard --brief", "init --out new.toml",
    "token create --scope read", "token list", "token revoke ID", "share many", "share --list",
    "challenge edit-3 --dry-run", "import record",
    "check record", "run small.toml --here --set eval.epoch=1",
)  # fmt: skip
"""Commands whose documents this module checks, --json added."""
CHECKED_ELSEWHERE = {
    "run": ("tests/sweeps/cli/test_run_command.py", 'check_document(("run", "--json")'),
    "demo": ("sweeps/cli/commands/home/demo.py", "run(context, file, home=home, json_=json_)"),
    "submit": ("tests/sweeps/run/test_submit.py", 'check_document(("submit",'),
    "attach": ("tests/sweeps/run/test_attach.py", 'check_document(("attach",'),
    "audit": ("tests/sweeps/cli/test_audit_command.py", "check_document("),
    "prove": ("tests/sweeps/submission/test_prove.py", 'golfsweep("prove", '),
    "package": ("tests/sweeps/submission/test_package.py", '"--home", place.home.root, "--json")'),
    "doctor": ("tests/sweeps/cli/test_cli.py", 'golfsweep("doctor", "--home", home, "--json")'),
    "selftest": ("tests/sweeps/cli/test_cli.py", 'golfsweep("selftest", folder, "--json")'),
    "train": ("tests/sweeps/cli/test_cli.py", 'golfsweep("train", '),
    "eval": ("tests/sweeps/cli/test_cli.py", '"eval", GOLDEN'),
    "bench train": ("tests/sweeps/machine/test_bench.py", "check_document("),
    "bench eval": ("tests/sweeps/machine/test_bench.py", "check_document("),
    "bench artifact": ("tests/sweeps/machine/test_bench.py", "check_document("),
    **{
        f"webhook {name}": ("tests/sweeps/web/notices/test_commands.py", f'golfsweep("webhook", "{name}"')
        for name in ("add", "list", "remove", "test")
    },
}
"""Commands that take longer, and the test that checks their documents."""


def commands_with(option: str) -> set[str]:
    """Every command, those of groups included, that takes an option."""

    def below(group: Any, prefix: str) -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from below(command, f"{prefix}{name} ")
            elif any(option in parameter.opts for parameter in command.params):
                yield f"{prefix}{name}"

    return set(below(typer.main.get_command(app), ""))


def test_the_committed_schemas_are_those_of_the_code() -> None:
    files = schema_files()
    assert {path.name for path in FOLDER.iterdir()} == {path.name for path in files}
    for path, text in files.items():
        assert path.read_text() == text, f"docs/schemas/{path.name} is out of date: run make reference"


def test_every_command_with_a_document_has_a_schema_and_a_test_of_its_output() -> None:
    names = {path.stem for path in FOLDER.iterdir()} - {"error", "openapi"}
    full = {name.replace(" ", "-") for name in commands_with("--json")}
    assert names == full | {f"{name}.brief" for name in commands_with("--brief")}
    here = {" ".join(words.split()[: 2 if words.startswith("token") else 1]) for words in RUN_HERE}
    assert here | set(CHECKED_ELSEWHERE) == commands_with("--json")
    for command, (path, text) in CHECKED_ELSEWHERE.items():
        assert text in (ROOT / path).read_text(), f"{command}: {path} does not check its document any more"


def test_schemas_are_schemas_and_refuse_what_they_do_not_know() -> None:
    for path in FOLDER.iterdir():
        if path.stem != "openapi":
            Draft202012Validator.check_schema(json.loads(path.read_text()))
    check_document(["ls"], '{"sweeps": []}')
    with pytest.raises(ValidationError, match="unexpected"):
        check_document(["ls"], '{"sweeps": [], "unknown": 1}')
    with pytest.raises(ValidationError, match="required"):
        check_document(["run"], '{"error": "x", "hint": ""}')
    assert validator("error").is_valid({"error": "x", "hint": "", "code": 2})
    assert not validator("error").is_valid({"error": "x", "hint": "", "code": "2"})


def test_documents_of_commands_are_those_of_their_schemas(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, demo: DemoData
) -> None:
    """Each command checks its own document, in the fixture; here are commands of every group, with and without data."""
    monkeypatch.chdir(tmp_path)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "small.toml").write_text(SWEEP)
    shutil.copytree(demo.tokens, tmp_path / ".golfsweep/data/demo")
    place = Workplace.open(tmp_path / ".golfsweep")
    arms = [{"name": f"edit {number}", "eval": {"lr": 0.02 + 0.001 * number}} for number in (1, 3)]
    play(place, file("many", arm=[{"name": "base", "baseline": True, "eval": {"lr": 0.02}}, *arms]))
    (tmp_path / "record").mkdir()
    (tmp_path / "record/submission.json").write_text('{"name": "x", "val_bpb": 1.2}')
    key, token = place.store.jobs()[0].key, ""
    for command in RUN_HERE:
        words = command.replace("KEY", key).replace("ID", token).split()
        code, out, err = golfsweep(*words, *([] if "--brief" in words else ["--json"]))
        document = json.loads(out)
        token = document.get("id", token)
        assert code in (0, 1) or "error" in document, (command, err)
