"""run --detach and wait: a ticket at once, a run that its caller does not stop, and no wait in vain."""

import json
import os
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from golf.data.corpus import DemoData
from jobs.errors import StoreUnavailable
from jobs.state import SweepState
from jobs.workplace import Workplace
from sweeps.agents.awaiting import wait_for_sweep
from sweeps.agents.detached import RunTicket, last_ticket, start_detached
from tests.short_data import with_short_data
from tests.sweeps.cli.test_run_command import SWEEP
from tests.sweeps.conftest import Command
from tests.sweeps.made_up import file, play


@pytest.fixture
def sweep(tmp_path: Path, demo: DemoData) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(with_short_data(SWEEP, demo, tmp_path / "data"))
    return path


def test_a_run_goes_on_by_itself_and_is_waited_for(golfsweep: Command, sweep: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    words = ("run", sweep, "--here", "--detach", "--json", "--agent", "robot", "--home", home)
    code, out, _ = golfsweep(*words)
    ticket = json.loads(out)
    assert (code, ticket["sweep"]) == (0, "small")
    assert ticket["wait"] == f"golfsweep wait small --seconds 600 --home {home}"
    assert os.getsid(ticket["pid"]) == ticket["pid"] != os.getsid(0)  # no terminal ends it
    code, out, _ = golfsweep("wait", "small", "--seconds", "0", "--json", "--home", home)
    assert (code, json.loads(out)["over"]) == (3, False)
    code, out, _ = golfsweep(*words)
    assert code == 3 and json.loads(out)["hint"].startswith("wait with: golfsweep wait small")
    code, out, _ = golfsweep("wait", "small", "--seconds", "300", "--json", "--home", home)
    document = json.loads(out)
    assert (code, document["state"], document["over"], document["log"]) == (0, "done", True, ticket["log"])
    assert "small" in Path(ticket["log"]).read_text()
    place = Workplace.open_to_read(home)
    record = place.store.sweep("small")
    assert record is not None and record.spec["runners"] == ["agent robot"]
    place.store.close()
    with suppress(psutil.NoSuchProcess):  # it has written that it is done, and may end meanwhile
        psutil.Process(ticket["pid"]).wait(120)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("name = 'x'\nseeds.confirm = [3]\nevil = 1\n", "evil"),
        ('data.tokens = "nowhere"\ndata.tokenizer = "a.model"', "a.model"),
    ],
)
def test_bad_input_fails_at_once_and_starts_nothing(
    golfsweep: Command, sweep: Path, tmp_path: Path, text: str, error: str
) -> None:
    bad = text if "evil" in text else SWEEP.replace('data.tokens = "demo"', text)
    sweep.write_text(bad)
    code, out, _ = golfsweep("run", sweep, "--here", "--detach", "--json", "--home", tmp_path / "home")
    assert code == 2 and error in json.loads(out)["error"]
    assert not (tmp_path / "home").exists()


def test_who_ended_before_the_sweep_began_is_not_waited_for(tmp_path: Path) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("main"))  # an earlier run, which is done
    ticket = start_detached(["run", "missing.toml"], "main", place.home, {}, place.store.last_event())
    assert last_ticket("main", place.home) == ticket
    end = wait_for_sweep("main", place, 120)
    assert (end.is_over, end.is_done, end.document["state"]) == (True, False, "failed")
    assert f"process {ticket.pid} ended before the sweep began" in end.document["reason"]
    assert "missing.toml" in end.document["log_end"][-1]
    place.store.put_sweep("main", {**place.store.sweeps()[0].spec})  # somebody else runs it, and is done
    place.store.end_sweep("main", SweepState.DONE)
    assert wait_for_sweep("main", place, 0).is_done


def test_what_nobody_drives_is_said_at_once_on_any_database(
    golfsweep: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("main"), steps=0)
    place.store.put_sweep("main", {**place.store.sweeps()[0].spec})
    began = time.monotonic()
    words = ("wait", "main", "--seconds", "500", "--home", tmp_path / "elsewhere", "--db", place.home.database_url)
    code, out, _ = golfsweep(*words, "--json")
    document = json.loads(out)
    assert (code, document["state"], document["over"]) == (1, "stopped", True)
    assert document["reason"].startswith("not running; resume with") and time.monotonic() - began < 100
    place.store.end_sweep("main", SweepState.OVER_BUDGET, "budget.dollars = 1 is spent")
    code, out, _ = golfsweep(*words)
    assert code == 1 and "main: over budget (budget.dollars = 1 is spent)" in out
    assert golfsweep("wait", "nothing", "--home", place.home.root, "--json")[0] == 2


def test_the_wait_is_bounded_and_outlasts_a_database_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Workplace.open(tmp_path / "home")
    play(place, file("main"), steps=0)
    place.store.put_sweep("main", {**place.store.sweeps()[0].spec})
    place.store.drive("main", "somebody", "cluster")
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += max(seconds, 0.01)

    end = wait_for_sweep("main", place, 30, sleep=sleep, ticks=lambda: now)
    assert (end.is_over, end.document["state"], end.document["waited_seconds"]) == (False, "running", 30.0)
    assert end.document["driver"]["pid"] == os.getpid()
    read, began = place.store.sweep, now

    def unavailable(name: str) -> object:
        if now < began + 20:
            raise StoreUnavailable("the database does not answer")
        return read(name)

    monkeypatch.setattr(type(place.store), "sweep", lambda self, name: unavailable(name))
    with pytest.raises(StoreUnavailable):
        wait_for_sweep("main", place, 10, sleep=sleep, ticks=lambda: now)
    assert wait_for_sweep("main", place, 30, sleep=sleep, ticks=lambda: now).document["state"] == "running"


def test_a_ticket_is_of_one_process(tmp_path: Path) -> None:
    me = psutil.Process()
    from jobs.machine.host import identity

    ticket = RunTicket(
        ticket="t", sweep="s", pid=me.pid, host=identity(), started=me.create_time(), log=str(tmp_path / "log"), event=0
    )
    assert ticket.is_alive()
    assert not replace(ticket, started=ticket.started - 60).is_alive()  # its number was given to another process
    assert not replace(ticket, host="another machine").is_alive()
    assert ticket.tail(3) == []
