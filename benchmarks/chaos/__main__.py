"""The command line of chaos: rounds in turn in all places until there were enough faults."""

import argparse
import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import chaos
from benchmarks.chaos.faults import FAULTS
from benchmarks.chaos.judging import is_good, leaderboard, waste
from benchmarks.chaos.places import PLACES
from benchmarks.chaos.processes import MARK, survivors
from benchmarks.chaos.round import Round, golfsweep, name_of

ROOT = Path(__file__).parents[2]
SWEEPS = (ROOT / "tests" / "tiny.toml", Path(__file__).with_name("second.toml"))
FIRST_SECONDS, PAUSE_SECONDS = 5.0, (2.0, 15.0)
"""Before the first fault of a round, and between two."""
ROUND_SECONDS = 1800.0


def main(words: Sequence[str] | None = None) -> int:
    """Play rounds; 0 if all of them came out right."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos",
        description=chaos.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--faults", type=int, default=100, help="how many in all")
    parser.add_argument(
        "--places", nargs="+", choices=PLACES, default=list(PLACES), help="where rounds are played, in turn"
    )
    parser.add_argument("--kinds", nargs="+", choices=FAULTS, default=list(FAULTS), help="kinds of faults, in turn")
    parser.add_argument("--sweeps", type=Path, nargs="+", default=list(SWEEPS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="leave homes and logs in place")
    options = parser.parse_args(words)
    random.seed(options.seed)
    os.environ[MARK] = uuid.uuid4().hex  # whatever is started below inherits it
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": f"{random.getrandbits(256):064x}"}
    results: list[dict[str, Any]] = []
    folder = Path(tempfile.mkdtemp(prefix="golfsweep-chaos-", dir="/tmp"))
    try:
        folder.chmod(0o755)  # a database's server runs as another user
        share = math.ceil(options.faults / len(options.places))
        """Most faults of a round, so that each place has its share."""
        expected = _undisturbed(folder / "undisturbed", options.sweeps)
        while (faults := sum(sum(result["faults"].values()) for result in results)) < options.faults:
            idle = [sum(result["faults"].values()) == 0 for result in results[-len(options.places) :]]
            assert len(idle) < len(options.places) or not all(idle), "none of these kinds disturbs any of these places"
            place = options.places[len(results) % len(options.places)]
            with PLACES[place](folder / f"{len(results)}-{place}", options.sweeps) as play:
                try:
                    limit = min(options.faults - faults, share)
                    results.append({"place": place, **_play(play, options.kinds, limit, expected)})
                finally:
                    play.end()
            print(json.dumps(results[-1]), file=sys.stderr, flush=True)
    finally:
        if options.keep:
            print(f"kept: {folder}", file=sys.stderr, flush=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    left = survivors()
    good = all(map(is_good, results)) and not left
    faults_by_kind = sum((Counter(result["faults"]) for result in results), Counter[str]())
    print(json.dumps({"good": good, "faults": faults_by_kind, "processes_left": left, "rounds": results}, indent=2))
    return 0 if good else 1


def _play(play: Round, kinds: Sequence[str], faults: int, expected: Mapping[str, Any]) -> dict[str, Any]:
    """One round; what was disturbed, and what came of it."""
    started = time.monotonic()
    for sweep in play.sweeps:
        play.start(sweep)
        _await_sweep(play.options(sweep), name_of(sweep))
    _disturb(play, kinds, faults)
    for sweep in play.sweeps:  # once more: what was lost after its last use is made again
        play.start(sweep)
        _await_end(play)
    rows = {name_of(sweep): leaderboard(play.options(sweep), name_of(sweep)) for sweep in play.sweeps}
    return {
        "faults": dict(play.disturbances),
        "gave_up": play.gave_up,
        "same_leaderboard": {name: rows[name] == expected[name] for name in rows},
        "seconds": round(time.monotonic() - started),
        **waste(play),
    }


def _disturb(play: Round, kinds: Sequence[str], faults: int) -> None:
    """Disturb at random moments until there were enough faults or the sweeps are done; then let them end."""
    until = time.monotonic() + ROUND_SECONDS
    pause, waiting = FIRST_SECONDS, list[str]()
    while play.running():
        assert time.monotonic() < until, f"the sweeps do not end; see {play.folder}-*.log"
        time.sleep(0.2)
        pause -= 0.2
        if pause <= 0 and play.disturbances.total() < faults and play.running():
            waiting = waiting or random.sample(list(kinds), len(kinds))
            kind = waiting.pop()
            if FAULTS[kind](play):
                play.disturbances[kind] += 1
                print(f"{time.strftime('%H:%M:%S')} {kind}: {dict(play.disturbances)}", file=sys.stderr, flush=True)
                pause = random.uniform(*PAUSE_SECONDS)


def _await_end(play: Round) -> None:
    until = time.monotonic() + ROUND_SECONDS
    while play.running():
        assert time.monotonic() < until, f"a finished sweep does not end; see {play.folder}-*.log"
        time.sleep(0.2)


def _undisturbed(folder: Path, sweeps: Sequence[Path]) -> dict[str, list[dict[str, Any]]]:
    """The leaderboards that a run without any fault leaves."""
    options = ["--home", str(folder)]
    started = []
    for sweep in sweeps:
        started.append(subprocess.Popen(golfsweep("run", sweep, *options, "--here"), stdout=subprocess.DEVNULL))
        _await_sweep(options, name_of(sweep))
    assert [driver.wait() for driver in started] == [0] * len(started)
    return {name_of(sweep): leaderboard(options, name_of(sweep)) for sweep in sweeps}


def _await_sweep(options: Sequence[str], name: str) -> None:
    """Wait until a sweep is in the store: which of two came first decides whom the other's rows are compared with."""
    command = [*golfsweep("status", "--json"), *options]
    until = time.monotonic() + ROUND_SECONDS
    while time.monotonic() < until:
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
        if done.returncode == 0 and name in [sweep["name"] for sweep in json.loads(done.stdout)["sweeps"]]:
            return
        time.sleep(1.0)  # each look starts a process
    raise AssertionError(f"the sweep {name} does not begin")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
