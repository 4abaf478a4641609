"""Running a sweep here and now: its driver, and a part in scheduling the cluster that is given."""

from collections.abc import Callable, Collection
from contextlib import ExitStack

from cluster.executors.local import machine_cluster
from cluster.registry import join_cluster, quarantine_hint
from jobs.errors import AlreadyDriven
from jobs.store import SubmittedContent
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.run.driving.driven_sweep import Runner, Site
from sweeps.run.driving.file_run import FileRun
from sweeps.run.driving.opening import open_scheduling
from sweeps.run.helping import check_machine, help_sweep, is_driven_elsewhere
from sweeps.run.roles import Scheduling
from sweeps.run.waiting import say_if_slow
from sweeps.spec.file import SweepSpec


def run(
    spec: SweepSpec,
    place: Workplace,
    *,
    content: SubmittedContent | None = None,
    executor: str,
    show: Callable[[Snapshot, float | None], None],
    say: Callable[[str], None],
    owner: str | None = None,
    agent: str | None = None,
    tags: Collection[str] = (),
) -> Snapshot:
    """Start or resume a sweep and run it to its end; interrupted at any point, the same call resumes it.

    Args:
        spec: the sweep.
        place: the home that it belongs to.
        content: what its file says, by which people can pause it, change its priority, or add seeds meanwhile; None
            for a sweep without a file of its own.
        executor: where jobs run, as `NAME` or `NAME:ADDRESS` of `cluster.registry.EXECUTORS`.
        show: called at every step with the state of the sweep and the estimated seconds left.
        say: called with what else a person should know.
        owner: whose it is, by default this process's user; an existing sweep keeps its owner.
        agent: name of the agent that runs it; None for a person. The ledger of tries names all who ran a sweep.
        tags: added to the sweep's.

    Raises:
        InputError: there is no such executor.
        AlreadyDriven: another process drives the sweep, on this machine or this cluster; with one of another machine
            this process shares the work.
        LostLease: another process took the sweep over while this one did not reach the database.
        StoreUnavailable: the database or the file store did not answer for `sweeps.run.patience.AWAY_SECONDS`, or has
            no room.
    """
    with say_if_slow(say, f"Joining the cluster of --executor {executor}"):
        joined = join_cluster(executor)
    cluster = machine_cluster() if joined is None else joined.cluster
    site = Site(place=place, cluster=cluster, joined=joined, hint=quarantine_hint(executor))
    runner = Runner(owner=owner, agent=agent, tags=tags)
    parts: list[Scheduling] = []
    try:
        with ExitStack() as stack:

            def open_part(widest: int) -> Scheduling:
                if not parts:
                    part = open_scheduling(place, executor=executor, widest=widest, joined=joined, say=say)
                    parts.append(stack.enter_context(part))
                return parts[0]

            def check(sweep: Sweep) -> None:
                if joined is None:  # a cluster's scheduler sets nodes aside that lack something
                    check_machine(sweep, place)

            own = FileRun(spec, site, runner, content, open_part=open_part, show=show, say=say)
            snapshot, has_helped = None, False
            while snapshot is None:
                try:
                    snapshot = own.drive(takes_over=has_helped)
                except AlreadyDriven:
                    if not is_driven_elsewhere(place.store, spec.name, cluster):
                        raise
                    place.claim_files()
                    has_helped = True
                    snapshot = help_sweep(spec.name, place.store, check, open_part, show, say)
            for part in parts:
                part.finish(say)
    finally:
        if joined is not None:
            joined.close()
    return snapshot
