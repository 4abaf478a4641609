"""Working for sweeps that others drive: a cluster's slots run whatever jobs of running sweeps fit them."""

from collections.abc import Callable

from cluster.registry import join_cluster
from jobs.errors import StoreUnavailable
from jobs.machine import stopping
from jobs.workplace import Workplace
from sweeps.run.driving.opening import open_scheduling
from sweeps.run.patience import Patience
from sweeps.run.waiting import say_if_slow

STEP_SECONDS = 0.5


def work(place: Workplace, *, executor: str, say: Callable[[str], None]) -> None:
    """Claim jobs of running sweeps and run them, until somebody stops this process; what it has claimed is then free.

    Args:
        place: where the jobs are.
        executor: where they run, as for `sweeps.run.session.run`.
        say: called with what a person should know.

    Raises:
        InputError: there is no such executor, or the service does not take the token.
        StoreUnavailable: the service or database did not answer for `sweeps.run.patience.AWAY_SECONDS`.
    """
    with say_if_slow(say, f"Joining the cluster of --executor {executor}"):
        joined = join_cluster(executor)
    where, is_scheduler = place.server or str(place.home.root), False
    try:
        with open_scheduling(place, executor=executor, widest=1, joined=joined, say=say) as part:
            outage = Patience(say)
            say(f"Runs jobs of the sweeps at {where} as far as they fit this cluster. Ctrl-C gives back what it has.")
            while True:
                stopping.raise_if_stopped()
                try:
                    part.step(STEP_SECONDS)
                    if part.schedules and not is_scheduler:
                        is_scheduler = True
                        say(f"Ready, with {part.total_slots()} slots.")
                    outage.end()
                except StoreUnavailable as error:
                    outage.wait(error, part.wait)
    finally:
        if joined is not None:
            joined.close()
