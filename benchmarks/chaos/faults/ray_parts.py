"""Kill one process of Ray's own."""

from benchmarks.chaos.processes import command, descendants, kill_any
from benchmarks.chaos.round import Round

AGENTS = ("dashboard/agent.py", "runtime_env/agent/main.py", "log_monitor.py", "dashboard/dashboard.py", "monitor.py")
"""Parts of the command lines of a node's agents and of the head's services in Python."""


def kill_raylet(play: Round) -> bool:
    """Kill the raylet of a node that runs jobs."""
    return play.cluster.kill_raylet() or (
        play.cluster.is_own and kill_any([child for child in descendants() if _is_program(command(child), "raylet")])
    )


def kill_agent(play: Round) -> bool:
    """Kill an agent of a node, the log monitor, the dashboard or the autoscaler's monitor."""
    return kill_any([child for child in descendants() if any(part in command(child) for part in AGENTS)])


def kill_gcs(play: Round) -> bool:
    """Kill the head's global control service; a cluster that the drivers join is built anew at another address."""
    return play.cluster.replace_head() or (
        play.cluster.is_own
        and kill_any([child for child in descendants() if _is_program(command(child), "gcs_server")])
    )


def _is_program(line: str, name: str) -> bool:
    """Whether a command line runs a program of this name, from whatever folder."""
    return line.split(" ", 1)[0].endswith(f"/{name}")
