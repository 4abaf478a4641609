"""Kill a process of the run, a node of its cluster or its database's server."""

import random
import time

from benchmarks.chaos.processes import command, descendants, kill_any
from benchmarks.chaos.round import Round
from cluster.executors.processes import marked

OUTAGES = ((0.0, 5.0), (40.0, 70.0))
"""Seconds for which a database is away: shorter than a heartbeat is fresh, or longer, so that all of them are stale."""


def kill_driver(play: Round) -> bool:
    """Kill a driver, and start it again at once with the same command."""
    sweep = random.choice(list(play.drivers))
    play.drivers[sweep].kill()
    play.drivers[sweep].wait()
    play.start(sweep)
    return True


def kill_worker(play: Round) -> bool:
    """Kill a worker, of Ray or of this machine."""
    return kill_any(
        [
            child
            for child in descendants()
            if "ray::Worker" in command(child) or "multiprocessing.spawn" in command(child)
        ]
    )


def kill_rank(play: Round) -> bool:
    """Kill a rank of a gang, or the gang's launcher."""
    ranks = set(marked(lambda mark: True))
    return kill_any([child for child in descendants() if child.pid in ranks])


def kill_node(play: Round) -> bool:
    """Kill all processes of a node, and give the cluster a new one."""
    return play.cluster.replace_node()


def kill_database(play: Round) -> bool:
    """Kill the database's server, and start it again later."""
    if play.server is None:
        return False
    play.server.kill()
    time.sleep(random.uniform(*random.choice(OUTAGES)))
    play.server.start()
    return True
