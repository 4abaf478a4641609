"""The skill for agents is one page, and every command of it is executed here, in its order."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from golf.data.corpus import DemoData
from jobs.paths import Home
from jobs.workplace import Workplace
from sweeps.agents.detached import last_ticket
from tests.short_data import with_short_data
from tests.sweeps.cli.test_run_command import SWEEP
from tests.sweeps.conftest import Command
from tests.sweeps.conftest import golfsweep as golfsweep
from tests.sweeps.made_up import file, play

SKILL = Path(__file__).parents[2] / "skills/golfsweep/SKILL.md"
MOST_LINES = 60
SECONDS = 120.0


def commands() -> list[str]:
    """The commands of the page, without comments."""
    blocks = re.findall(r"```bash\n(.+?)```", SKILL.read_text(), re.DOTALL)
    return [" ".join(line.partition(" #")[0].split()) for block in blocks for line in block.splitlines()]


def test_it_is_one_page_with_a_name_and_a_description() -> None:
    text = SKILL.read_text()
    assert len(text.splitlines()) <= MOST_LINES
    assert re.match(r"---\nname: golfsweep\ndescription: .{40,400}\n---\n", text)


def test_every_command_works_as_it_stands_there(
    golfsweep: Command, tmp_path: Path, demo: DemoData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    place = Workplace.open(tmp_path / ".golfsweep")
    arms = [
        {"name": "lora-ttt", "baseline": True, "eval": {"preset": "none"}},
        {"name": "trial-20", "eval": {"lr": 0.01}},
    ]
    play(place, file("demo", arm=arms))
    place.store.close()

    def fill_in() -> None:
        """The draft names the contest's data; a small sweep stands in for it from here on."""
        assert "golfsweep plan sweep.toml" in (tmp_path / "sweep.toml").read_text()
        (tmp_path / "sweep.toml").write_text(with_short_data(SWEEP, demo, tmp_path / "data"))

    def end_run() -> None:
        """What was started in the background has shown that it starts; tests of `run --detach` wait for its end."""
        ticket = last_ticket("small", Home(tmp_path / "another home"))
        assert ticket is not None
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(ticket.pid)
            process.terminate()
            process.wait(SECONDS)

    after: dict[str, Callable[[], None]] = {"init": fill_in, "run": end_run}
    ran = commands()
    for command in ran:
        words = command.split()
        if words[1] == "logs":  # of three trainings by that name, the key of one is asked for
            code, _, err = golfsweep(*words[1:])
            assert code == 2 and "give the key of one" in err
            continue
        if words[1] == "run":  # the finished sweep is made up: its contents are nowhere, and no run may go on there
            words += ["--home", str(tmp_path / "another home")]
        code, out, err = golfsweep(*words[1:])
        assert code == 0, (command, out, err)
        after.get(words[1], lambda: None)()
    assert {words.split()[1] for words in ran} >= {"init", "plan", "run", "wait", "next", "compare"}
    shutil.rmtree(tmp_path / ".golfsweep")
