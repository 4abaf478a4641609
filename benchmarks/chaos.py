"""Chaos: kill whatever can be killed, at random moments, and compare the leaderboard with an undisturbed run's.

    python -m benchmarks.chaos --kills 50 --nodes 2 --postgresql

Two drivers run one sweep each on one cluster, so that one of them schedules for both and the other takes over when it
dies. Victims: a driver (started again at once, with the same command), a worker, a rank of a gang, a node (replaced by
a new one) and the database's server. When both sweeps are done before there were enough kills, a new round begins in a
new home. Leaderboards are compared bit for bit after measured times are removed; no job may be done twice, no
process may be left, and no driver may give up but one that was started while its database was away.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import psutil

from cluster.executors.processes import marked
from jobs.paths import Home
from jobs.state import AttemptState, JobState
from jobs.store import Store
from sweeps.board.leaderboard import VARYING
from sweeps.cli.errors import ExitCode
from tests.postgresql import Server, find_binaries

ROOT = Path(__file__).parents[1]
SWEEPS = (ROOT / "tests" / "tiny.toml", ROOT / "benchmarks" / "chaos.toml")
FIRST_SECONDS, PAUSE_SECONDS = 5.0, (2.0, 15.0)
"""Before the first kill of a round, and between two."""
ROUND_SECONDS = 1800.0
OURS = "GOLFSWEEP_CHAOS"
END_SECONDS = 20.0
MOST_RESTARTS, START_TRIES = 20, 5
OUTAGES = ((0.0, 5.0), (40.0, 70.0))
"""Seconds for which a database is away: shorter than a heartbeat is fresh, or longer, so that all of them are stale."""
UNAVAILABLE = f"exit {ExitCode.TRANSIENT:d}: "
"""How a driver ends that is started while its database is unavailable, the one good reason to give up."""


class Cluster(Protocol):
    """Where drivers run their jobs."""

    def arguments(self) -> list[str]: ...

    def kill_node(self) -> bool: ...


class Here:
    """This machine without Ray."""

    def arguments(self) -> list[str]:
        return ["--here"]

    def kill_node(self) -> bool:
        return False


class FakeNodes:
    """A Ray cluster of several nodes on this machine, whose head runs no jobs."""

    def __init__(self, nodes: int, slots: int) -> None:
        from ray.cluster_utils import Cluster as RayCluster

        self._slots = slots
        health = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000}
        health |= {"health_check_timeout_ms": 2000, "health_check_failure_threshold": 5}
        head = {"num_cpus": 0, "include_dashboard": False, "_system_config": health}
        self.cluster = RayCluster(initialize_head=True, head_node_args=head)
        self._nodes = [self._add() for _ in range(nodes)]

    def _add(self) -> Any:
        for _ in range(START_TRIES):
            try:
                return self.cluster.add_node(num_cpus=self._slots, include_dashboard=False)
            except Exception as error:  # Ray's own, of no finer class: a busy machine is too slow for its patience
                print(f"no new node yet: {error}", file=sys.stderr, flush=True)
        raise AssertionError("Ray starts no node here")

    def arguments(self) -> list[str]:
        return ["--ray", self.cluster.address]

    def kill_node(self) -> bool:
        victim = self._nodes.pop(random.randrange(len(self._nodes)))
        self.cluster.remove_node(victim, allow_graceful=False)
        self._nodes.append(self._add())
        return True


@dataclass
class Round:
    """Two sweeps in one home, from their start to their end."""

    home: Path
    place: Sequence[str]
    """Command-line options of the home's database."""
    cluster: Cluster
    sweeps: Sequence[Path]
    drivers: dict[Path, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    gave_up: list[str] = field(default_factory=list)
    """Exit codes and last lines of drivers that ended by themselves before their sweep was done."""

    def start(self, sweep: Path) -> None:
        command = [*golfsweep("run", sweep), "--home", self.home, *self.place, *self.cluster.arguments()]
        with (self.home.parent / f"{self.home.name}.log").open("ab") as log:
            self.drivers[sweep] = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def running(self) -> list[Path]:
        """Sweeps that are not done. A driver that gave up (one that is started while its database is away does so at
        once) is started again with the same command, as whoever watches over it would do.
        """
        for sweep, driver in list(self.drivers.items()):
            if driver.poll() == 0:
                del self.drivers[sweep]
            elif driver.returncode is not None:
                last = (self.home.parent / f"{self.home.name}.log").read_text(encoding="utf-8").splitlines()[-1]
                self.gave_up.append(f"exit {driver.returncode}: {last}")
                assert len(self.gave_up) <= MOST_RESTARTS, self.gave_up
                self.start(sweep)
        return list(self.drivers)

    def end(self) -> None:
        """End what still runs, after an error."""
        for driver in self.drivers.values():
            driver.kill()
            driver.wait()

    def kill_driver(self) -> bool:
        sweep = random.choice(list(self.drivers))
        self.drivers[sweep].kill()
        self.drivers[sweep].wait()
        self.start(sweep)
        return True

    def kill_worker(self) -> bool:
        return _kill([p for p in _descendants() if "ray::Worker" in _line(p) or "multiprocessing.spawn" in _line(p)])

    def kill_rank(self) -> bool:
        ranks = set(marked(lambda mark: True))
        return _kill([process for process in _descendants() if process.pid in ranks])


def _descendants() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _kill(victims: list[psutil.Process]) -> bool:
    if not victims:
        return False
    try:
        random.choice(victims).kill()
    except psutil.Error:
        return False
    return True


def _left() -> list[str]:
    """Processes of this run that outlive it by more than some seconds."""
    until = time.monotonic() + END_SECONDS
    while True:
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(OURS) == os.environ[OURS] and process.pid != os.getpid():
                    found.append(_line(process))
            except (OSError, psutil.Error):
                continue
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.5)


def golfsweep(*words: object) -> list[str]:
    return [sys.executable, "-m", "sweeps.cli", *map(str, words)]


def leaderboard(home: Path, place: Sequence[str], sweep: str) -> list[dict[str, Any]]:
    """Rows of a sweep without what was measured."""
    command = [*golfsweep("leaderboard", sweep, "--json"), "--home", str(home), *place]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return [{name: value for name, value in row.items() if name not in VARYING} for row in rows]


def disturb(one: Round, kills: int, others: Mapping[str, Callable[[], bool]]) -> None:
    """Kill at random moments until there were enough kills or the sweeps are done; then let them end."""
    ways = {"driver": one.kill_driver, "worker": one.kill_worker, "rank": one.kill_rank, **others}
    until = time.monotonic() + ROUND_SECONDS
    pause = FIRST_SECONDS
    while one.running():
        assert time.monotonic() < until, "the sweeps do not end"
        time.sleep(0.2)
        pause -= 0.2
        if pause <= 0 and one.kills.total() < kills and one.running():
            name = random.choice(list(ways))
            if ways[name]():
                one.kills[name] += 1
                print(f"{time.strftime('%H:%M:%S')} killed: {dict(one.kills)}", file=sys.stderr, flush=True)
                pause = random.uniform(*PAUSE_SECONDS)


def twice(store: Store) -> dict[str, Any]:
    """Work that was done twice: finished jobs, and time of attempts that ended without a result."""
    done, lost, seconds, failures = 0, 0, 0.0, Counter[str]()
    for job in store.jobs():
        assert job.state == JobState.DONE, f"{job.order.label}: {job.state}: {job.reason}"
        attempts = store.attempts(job.key)
        done += sum(attempt.state == AttemptState.DONE for attempt in attempts) - 1
        unfinished = [attempt for attempt in attempts if attempt.state != AttemptState.DONE]
        lost += len(unfinished)
        seconds += sum((attempt.ended or attempt.started) - attempt.started for attempt in unfinished)
        failures.update(attempt.failure or "scheduler died" for attempt in unfinished)
    return {"jobs_done_twice": done, "attempts_lost": lost, "seconds_lost": round(seconds, 1), "why": dict(failures)}


@contextmanager
def database(
    folder: Path, wanted: bool
) -> Iterator[tuple[list[str], Callable[[], bool] | None, Callable[[Path], Store]]]:
    """The options of the drivers' database, how to kill its server, and how to open it."""
    if not wanted:
        yield [], None, lambda home: Store.open(Home(home).database_url)
        return
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL server is installed"
    server = Server(folder / "postgresql", binaries)
    server.start()

    def kill() -> bool:
        server.kill()
        time.sleep(random.uniform(*random.choice(OUTAGES)))
        server.start()
        return True

    try:
        yield ["--db", server.url], kill, lambda home: Store.open(server.url)
    finally:
        server.kill()


def main(words: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=0, help="fake Ray nodes of two slots; 0: this machine without Ray")
    parser.add_argument("--postgresql", action="store_true", help="a server of its own instead of SQLite")
    parser.add_argument("--sweeps", type=Path, nargs="+", default=list(SWEEPS))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    random.seed(options.seed)
    os.environ[OURS] = uuid.uuid4().hex  # whatever is started below inherits it
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": f"{random.getrandbits(256):064x}"}
    kills: Counter[str] = Counter()
    found: list[dict[str, Any]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="golfsweep-chaos-", dir="/tmp")))
        folder.chmod(0o755)
        expected = _undisturbed(folder / "undisturbed", options.sweeps)
        cluster: Cluster = FakeNodes(options.nodes, 2) if options.nodes else Here()
        if isinstance(cluster, FakeNodes):
            stack.callback(cluster.cluster.shutdown)
        number = 0
        while kills.total() < options.kills:
            with database(folder / f"database-{number}", options.postgresql) as (place, kill, open_store):
                one = Round(folder / f"round-{number}", place, cluster, options.sweeps)
                stack.callback(one.end)
                found.append(_play(one, options.kills - kills.total(), kill, expected))
                kills += one.kills
                store = open_store(one.home)
                found[-1] |= twice(store)
                store.close()
                print(json.dumps(found[-1]), file=sys.stderr, flush=True)
            number += 1
    left = _left()
    good = all(map(is_good, found)) and not left
    print(json.dumps({"good": good, "kills": dict(kills), "processes_left": left, "rounds": found}, indent=2))
    return 0 if good else 1


def is_good(found: Mapping[str, Any]) -> bool:
    """Whether a round ended as an undisturbed one would, and no driver gave up without need."""
    needless = [line for line in found["gave_up"] if not line.startswith(UNAVAILABLE)]
    return all(found["same_leaderboard"].values()) and not found["jobs_done_twice"] and not needless


def _play(
    one: Round, kills: int, kill_database: Callable[[], bool] | None, expected: Mapping[str, list[dict[str, Any]]]
) -> dict[str, Any]:
    """One round; what was killed, and whether each leaderboard is as it should be."""
    one.home.mkdir()
    others = {"database": kill_database} if kill_database else {}
    others |= {"node": one.cluster.kill_node} if isinstance(one.cluster, FakeNodes) else {}
    for sweep in one.sweeps:
        one.start(sweep)
        _await_sweep(one.home, one.place, _name(sweep))
    disturb(one, kills, others)
    same = {name: leaderboard(one.home, one.place, name) == rows for name, rows in expected.items()}
    return {"kills": dict(one.kills), "gave_up": one.gave_up, "same_leaderboard": same}


def _undisturbed(home: Path, sweeps: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    started = []
    for sweep in sweeps:
        started.append(subprocess.Popen(golfsweep("run", sweep, "--home", home, "--here"), stdout=subprocess.DEVNULL))
        _await_sweep(home, [], _name(sweep))
    assert [one.wait() for one in started] == [0] * len(started)
    return {_name(sweep): leaderboard(home, [], _name(sweep)) for sweep in sweeps}


def _await_sweep(home: Path, place: Sequence[str], name: str) -> None:
    """Wait until a sweep is in the store: which of two came first decides whom the other's rows are compared with."""
    command = [*golfsweep("status", "--json"), "--home", str(home), *place]
    until = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < until:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode == 0 and name in [one["name"] for one in json.loads(done.stdout)["sweeps"]]:
            return
    raise AssertionError(f"the sweep {name} does not begin")


def _name(sweep: Path) -> str:
    return str(tomllib.loads(sweep.read_text(encoding="utf-8"))["name"])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
