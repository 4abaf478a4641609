"""The README is short, and every command, sweep file and line of Python in it works, as does that of docs/python.md."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.stages.stage import title_of
from jobs.workplace import Workplace
from sweeps.cli.help import GROUPS
from sweeps.spec.file import parse_sweep
from tests.sweeps.conftest import Command
from tests.sweeps.conftest import golfsweep as golfsweep
from tests.sweeps.made_up import file, play

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
MOST_BYTES = 9_600

RUN_HERE = (
    "golfsweep open demo",
    "golfsweep init train_gpt.py",
    "golfsweep plan sweep.toml",
    "golfsweep init",
    "golfsweep plan sweep.toml --nodes 4 --slots 8",
    "golfsweep leaderboard",
    "golfsweep compare trial-20 lora-ttt",
)
"""Commands that this module runs, in this order and in one folder."""
RUN_ELSEWHERE = {
    "make demo": ("Makefile", "$(BIN)/golfsweep demo"),
    "golfsweep run examples/script/sweep.toml": (
        "tests/sweeps/run/test_script_example.py",
        '"examples/script/sweep.toml"',
    ),
    "golfsweep run sweep.toml": ("tests/test_end_to_end.py", 'golfsweep("run", sweep'),
    "golfsweep run sweep.toml --ray HEAD:6379": ("tests/test_end_to_end.py", '"--ray"'),
    "golfsweep package SWEEP/ENTRY --out submission": ("tests/sweeps/submission/test_package.py", '"package", '),
    "golfsweep challenge demo/trial-20": ("tests/sweeps/run/test_challenge_command.py", 'golfsweep("challenge", '),
    "golfsweep audit my_entry:score --vocab-size 1024 --tokens val.bin": (
        "tests/sweeps/cli/test_audit_command.py",
        '"--vocab-size"',
    ),
    "golfsweep prove demo/lora-ttt --documents 3": (
        "tests/sweeps/submission/test_prove.py",
        'golfsweep("prove", "by-hand/score-first", "--documents", "3"',
    ),
    "golfsweep check records/my_record": ("tests/sweeps/records/test_commands.py", 'golfsweep("check", '),
    "golfsweep import records": ("tests/sweeps/records/test_commands.py", 'golfsweep("import", records'),
    "golfsweep doctor sweep.toml --ray HEAD:6379": ("tests/sweeps/cli/test_cli.py", '"doctor", '),
}
"""Commands that take longer, and the test that runs each: its file, and the line of it."""


def examples(language: str, text: str = README) -> list[str]:
    """The code blocks in a language."""
    return [str(block) for block in re.findall(rf"```{language}\n(.+?)```", text, re.DOTALL)]


def commands() -> list[str]:
    """The commands of the indented blocks, without comments."""
    lines = re.findall(r"^    (\S.*)$", README, re.MULTILINE)
    return [" ".join(line.partition(" #")[0].split()).removeprefix(".venv/bin/") for line in lines]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished sweep called demo and a script of one's own."""
    folder = tmp_path_factory.mktemp("a newcomer")
    arms = [
        {"name": "lora-ttt", "baseline": True, "eval": {"preset": "none"}},
        {"name": "trial-20", "eval": {"lr": 0.01}},
    ]
    play(Workplace.open(folder / ".golfsweep"), file("demo", arm=arms))
    shutil.copy(ROOT / "examples/script/train_gpt.py", folder)
    return folder


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory is that folder; a graphical browser is not started."""
    monkeypatch.chdir(folder)
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    yield folder


def test_the_readme_is_short() -> None:
    assert len(README.encode()) <= MOST_BYTES


def test_its_first_screen_says_what_it_is_and_its_third_section_is_a_script_of_ones_own() -> None:
    headings = re.findall(r"^#+ (.+)$", README, re.MULTILINE)
    assert headings[:3] == ["golfsweep", "Try it", "Your own script"]
    first_screen = README.partition("## Your own script")[0]
    assert not re.search(r"\bp [<=]|Welch|± |confidence|significan", first_screen)


def test_every_command_of_the_readme_is_run_by_a_test_or_by_make_demo() -> None:
    assert set(commands()) == {*RUN_HERE, *RUN_ELSEWHERE}
    for command, (path, text) in RUN_ELSEWHERE.items():
        assert text in (ROOT / path).read_text(), f"{command}: {path} does not run it any more"


def test_the_readme_names_every_command() -> None:
    named = set(re.findall(r"`golfsweep ([a-z]+)`", README))
    assert named == {name for names in GROUPS.values() for name in names}


def test_its_commands_work_as_typed(there: Path, golfsweep: Command) -> None:
    for command in RUN_HERE:
        if command.startswith("golfsweep init"):
            (there / "sweep.toml").unlink(missing_ok=True)
        code, _, err = golfsweep(*command.split()[1:])
        assert code == 0, f"{command}: {err}"


def test_the_sweep_files_of_the_readme_are_ones() -> None:
    script, native = (tomllib.loads(text) for text in examples("toml"))
    assert parse_sweep(native, "README.md").search is not None
    rest = {name: native[name] for name in ("name", "data", "seeds")}
    stages = parse_sweep({**rest, **script, "arm": [{"name": "a"}]}, "README.md").pipeline()
    assert [title_of(stage.name) for stage in stages] == ["train", "eval"]


@pytest.mark.parametrize("document", ["README.md", "docs/python.md"])
def test_the_python_of_a_document_runs(document: str, there: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for example in examples("python", (ROOT / document).read_text()):
        exec(compile(example.replace("steps=60", "steps=8"), document, "exec"), {})
    out = capsys.readouterr().out
    assert "trial-20" in out and "lora-ttt" in out
