"""Whether a disturbed round came out right."""

import json
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.chaos.round import Round, golfsweep
from jobs.state import AttemptState, JobState
from sweeps.board.leaderboard import VARYING
from sweeps.cli.errors import ExitCode

MAY_GIVE_UP = f"exit {ExitCode.TRANSIENT:d}: golfsweep: "
"""How a driver ends whose database, disk or cluster is away: with one line, and the code that says to try again."""


def leaderboard(options: Sequence[str], sweep: str) -> list[dict[str, Any]]:
    """Rows of a sweep without what was measured."""
    command = [*golfsweep("leaderboard", sweep, "--json"), *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return [{name: value for name, value in row.items() if name not in VARYING} for row in rows]


def waste(play: Round) -> dict[str, Any]:
    """Finished jobs that were done again although they had lost nothing, and time of attempts without a result."""
    twice, again, lost, seconds, failures = 0, 0, 0, 0.0, Counter[str]()
    with play.store() as store:
        for job in store.jobs():
            assert job.state == JobState.DONE, f"{job.order.label}: {job.state}: {job.reason}"
            attempts = store.attempts(job.key)
            more = sum(attempt.state == AttemptState.DONE for attempt in attempts) - 1
            again += more
            twice += max(0, more - play.losses[job.key])
            unfinished = [attempt for attempt in attempts if attempt.state != AttemptState.DONE]
            lost += len(unfinished)
            seconds += sum(attempt.seconds for attempt in unfinished)
            failures.update(attempt.failure or "scheduler died" for attempt in unfinished)
    return {
        "jobs_done_twice": twice,
        "jobs_made_again_after_a_loss": again - twice,
        "attempts_lost": lost,
        "seconds_lost": round(seconds, 1),
        "why": dict(failures),
    }


def is_good(result: Mapping[str, Any]) -> bool:
    """Whether a round ended as an undisturbed one would, and no driver gave up without need."""
    needless = [line for line in result["gave_up"] if not line.startswith(MAY_GIVE_UP)]
    return all(result["same_leaderboard"].values()) and not result["jobs_done_twice"] and not needless
