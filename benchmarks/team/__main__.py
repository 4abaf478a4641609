"""The command line of the team: one afternoon, and whether it came out right."""

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.chaos.clusters import FakeNodes
from benchmarks.chaos.judging import leaderboard
from benchmarks.chaos.processes import MARK, survivors
from benchmarks.chaos.round import golfsweep
from benchmarks.team.people import ENDED, Agent, Person
from benchmarks.team.service import RunningService
from jobs.state import EventKind, JobState
from jobs.store import Store
from tests.postgresql import Server, find_binaries

ROOT = Path(__file__).parents[2]
TINY, CHAOS = ROOT / "tests" / "tiny.toml", ROOT / "benchmarks" / "chaos" / "second.toml"
SECONDS = 1200.0
"""For all of it; minutes are enough on an idle machine."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
SLOTS = 2
"""Of each cluster's node."""
KILL_AFTER_SECONDS = (20.0, 25.0)
"""The service is killed so long after the sweeps were submitted, and so long after its first restart."""


def main() -> int:
    """Play it; 0 if everything came out right."""
    os.environ[MARK] = uuid.uuid4().hex
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": f"{random.getrandbits(256):064x}"}
    folder = Path(tempfile.mkdtemp(prefix="golfsweep-team-", dir="/tmp"))
    folder.chmod(0o755)  # the database's server runs as another user
    try:
        expected = _undisturbed(folder / "undisturbed")
        result = _play(folder, expected)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    result["processes_left"] = survivors()
    good = all(result["as_expected"].values()) and not result["processes_left"]
    print(json.dumps({"good": good, **result}, indent=2))
    return 0 if good else 1


def _undisturbed(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """The leaderboards that runs one after another leave."""
    options = ["--home", str(folder)]
    for sweep in (TINY, CHAOS):
        subprocess.run([*golfsweep("run", sweep), *options, "--here"], stdout=subprocess.DEVNULL, check=True)
    return {name: leaderboard(options, name) for name in ("tiny", "chaos")}


def _play(folder: Path, expected: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL server is installed"
    chromium = next((path for name in CHROMIUM if (path := shutil.which(name))), None)
    assert chromium is not None, "no Chromium is installed"
    started = time.monotonic()
    with ExitStack() as stack:
        server = Server(folder / "postgresql", binaries)
        server.start()
        stack.callback(server.kill)
        where = ["--db", server.url, "--files", str(folder / "files")]
        homes = [["--home", str(folder / f"home-{number}"), *where] for number in range(3)]
        tokens = {name: _make_token(name, homes[2][:4]) for name in ("anna", "ben", "agent")}
        service = RunningService(homes[2], folder / "serve.log")
        service.start()
        stack.callback(service.stop)
        for number in range(2):
            cluster = FakeNodes(1, SLOTS)
            stack.callback(cluster.close)
            stack.callback(_start_queue(homes[number], cluster, folder / f"queue-{number}.log"))
        browser = stack.enter_context(sync_playwright()).chromium.launch(
            executable_path=chromium, args=["--no-sandbox"] if os.geteuid() == 0 else []
        )
        stack.callback(browser.close)
        anna, ben = (Person(name, browser.new_context(), service.url, tokens[name]) for name in ("anna", "ben"))
        agent = Agent(service.url, tokens["agent"])
        stack.callback(agent.close)
        told = _afternoon(anna, ben, agent, service, folder)
        boards = {name: leaderboard(homes[0], name) for name in expected}
        differences = [*_differences(boards, expected)]
        store = Store.open(server.url)
        stack.callback(store.close)
        schedulers = {event.who for event in store.events() if event.kind == EventKind.ATTEMPT_STARTED}
        by_whom = {
            (event.kind, event.sweep): event.who
            for event in store.events()
            if event.kind in (EventKind.SWEEP_SUBMITTED, EventKind.SWEEP_CANCELLED)
        }
        checks = {
            "same_leaderboards": not differences,
            "cancelled_sweeps_ended": all(
                job.state not in (JobState.RUNNING, JobState.QUEUED)
                for name in ("bens", "agents")
                for job in store.jobs(name)
            ),
            "both_clusters_worked": len(schedulers) == 2,
            "activity_names_who_decided": by_whom
            == {
                (EventKind.SWEEP_SUBMITTED, "tiny"): "anna",
                (EventKind.SWEEP_SUBMITTED, "chaos"): "ben",
                (EventKind.SWEEP_SUBMITTED, "bens"): "ben",
                (EventKind.SWEEP_CANCELLED, "bens"): "ben",
                (EventKind.SWEEP_SUBMITTED, "agents"): "agent",
                (EventKind.SWEEP_CANCELLED, "agents"): "agent",
            },
            **told,
        }
        return {"differences": differences, "as_expected": checks, "seconds": round(time.monotonic() - started)}


def _differences(boards: dict[str, list[dict[str, Any]]], expected: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """What differs between two sets of leaderboards."""
    for name, rows in expected.items():
        others = boards[name]
        if [row["name"] for row in rows] != [row["name"] for row in others]:
            yield f"{name}: {[row['name'] for row in rows]} against {[row['name'] for row in others]}"
            continue
        for row, other in zip(rows, others, strict=True):
            for column in (row.keys() | other.keys()) - {"tried_by"}:  # it names who ran a sweep
                if row.get(column) != other.get(column):
                    yield f"{name}/{row['name']}: {column}: {row.get(column)} against {other.get(column)}"


def _afternoon(anna: Person, ben: Person, agent: Agent, service: RunningService, folder: Path) -> dict[str, bool]:
    """What everybody does, in turns of a moment each."""
    anna.log_in()
    ben.log_in()
    assert anna.submit(TINY) == "tiny"
    while (agent.ask("/sweeps/tiny") or {}).get("state") != "running":
        time.sleep(0.5)  # which of two sweeps came first decides whom the other's entries are compared with
    assert ben.submit(CHAOS) == "chaos"
    long = CHAOS.read_text("utf-8").replace("train.steps = 12", "train.steps = 2000")
    bens = folder / "bens.toml"
    bens.write_text(long.replace('name = "chaos"', 'name = "bens"'), encoding="utf-8")
    told: dict[str, bool] = {}
    turns: list[Iterator[None]] = [
        anna.watch("tiny"),
        _ben(ben, bens),
        _agent(agent, long.replace('name = "chaos"', 'name = "agents"'), told),
        _kill_twice(service),
    ]
    until = time.monotonic() + SECONDS
    while turns:
        assert time.monotonic() < until, "it does not end"
        turns = [turn for turn in turns if next(turn, False) is not False]
    told["the_page_was_never_loaded_again"] = "done" in anna.page.locator("header .note").inner_text()
    told["entries_came_to_the_open_page"] = anna.page.locator("table.entries tbody").count() >= 3
    return told | _compare(anna, agent)


def _ben(ben: Person, file: Path) -> Iterator[None]:
    """Submits another sweep, cancels it when it runs, and watches his first one."""
    assert ben.submit(file) == "bens"
    for _ in range(40):
        yield
    ben.cancel("bens")
    yield from ben.watch("chaos")


def _agent(agent: Agent, file: str, told: dict[str, bool]) -> Iterator[None]:
    """Submits twice what it cannot know to have arrived, cancels it, and follows the others to their ends."""
    tickets: list[str] = []
    while len(tickets) < 2:
        if (answer := agent.tell("/sweeps", {"file": file})) is not None:
            tickets.append(answer["ticket"])
        yield
    told["submitting_twice_is_once"] = len(set(tickets)) == 1
    for _ in range(30):
        yield
    while agent.tell("/sweeps/agents/cancel") is None:
        yield
    states: dict[str, str] = {}
    while not all(states.get(name) in ENDED for name in ("tiny", "chaos", "agents", "bens")):
        for name in ("tiny", "chaos", "agents", "bens"):
            states[name] = (agent.ask(f"/sweeps/{name}") or {}).get("state", "")
        yield
        time.sleep(0.5)
    told["states"] = [states[name] for name in ("tiny", "chaos", "agents", "bens")] == [
        "done",
        "done",
        "cancelled",
        "cancelled",
    ]


def _compare(anna: Person, agent: Agent) -> dict[str, bool]:
    """Both compare the same two entries of one track, each in their own way."""
    rows = (agent.ask("/leaderboard", sweep="tiny") or {"rows": []})["rows"]
    own = [row for row in rows if row["sweep"] == "tiny"]
    first, second = next((a, b) for a in own for b in own if a is not b and a["track"] == b["track"])
    names = [f"tiny/{row['name']}" for row in (first, second)]
    document = agent.ask("/compare", challenger=names[0], incumbent=names[1])
    heading = anna.compare(*names)
    return {
        "the_agent_compared": document is not None and document["challenger"]["name"] == first["name"],
        "anna_compared": heading == f"{first['name']} against {second['name']}",
    }


def _kill_twice(service: RunningService) -> Iterator[None]:
    for seconds in KILL_AFTER_SECONDS:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            yield
        service.kill()
        yield
        service.start()


def _make_token(owner: str, options: Sequence[str]) -> str:
    command = [*golfsweep("token", "create", "--scope", "submit", "--owner", owner), *options]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout.split()[0]


def _start_queue(options: Sequence[str], cluster: FakeNodes, log: Path) -> Any:
    """Start a queue process on a cluster; returns what ends it in good order."""
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*golfsweep("run", "--queue"), *options, *cluster.arguments()],
            stdout=sink, stderr=sink, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def end() -> None:
        process.terminate()
        process.wait(60)

    return end


if __name__ == "__main__":
    sys.exit(main())
