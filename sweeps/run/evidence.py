"""Check that the evidence of a sweep's entries is still there; jobs make again what is lost or damaged."""

from collections.abc import Callable, Iterator

from jobs.stages.registry import stage_of
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep


def remake_lost(sweep: Sweep, place: Workplace, since: int, say: Callable[[str], None]) -> bool:
    """Read all evidence of a sweep's entries, and queue the jobs whose outputs cannot be read any more.

    Args:
        sweep, place: the sweep, and the home that it belongs to.
        since: number of an event; a job that has been done too often since then is not done once more.
        say: called with a line about what was lost.

    Returns:
        Whether anything is made again.
    """
    remade: list[str] = []
    given_up: list[str] = []
    for digest, name in _lost_evidence(sweep, place):
        (remade if place.store.lose_content(digest, since) else given_up).append(name)
        place.files.discard_damaged(digest)
    if remade:
        say(f"Lost or damaged, and made again: {', '.join(remade)}.")
    if given_up:
        say(
            f"Lost or damaged, and not made again, because no job made it or every attempt failed: "
            f"{', '.join(given_up)}."
        )
    return bool(remade)


def _lost_evidence(sweep: Sweep, place: Workplace) -> Iterator[tuple[str, str]]:
    """Digests of evidence that is lost or damaged, with what a person calls it."""
    seen = set[str]()
    for job in sweep.driver(place.store, read_only=True).evidence():
        for name in stage_of(job.order.job).evidence:
            digest = (job.outputs or {}).get(name)
            if digest is not None and digest not in seen:
                seen.add(digest)
                if not place.files.is_whole(digest):
                    yield digest, f"{name} of {job.order.label}"
