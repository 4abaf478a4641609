"""The rate of a script's first steps, by which a slow node is recognized before its seed has cost much.

Only the same part of runs can be compared: what a step takes changes in the course of a training.
"""

from collections.abc import Iterable

from jobs.logs.live import Point

FIRST_STEP, LAST_STEP = 20, 200
"""Steps before the first compile and warm up; from there to the first printed one after the last, the rate is taken."""


def first_rate(points: Iterable[Point]) -> float | None:
    """Steps per second of training after its start; None while too few steps are printed, or none with its time."""
    start: Point | None = None
    for point in points:
        if point.seconds is None:
            continue
        if point.step <= FIRST_STEP:
            start = point
        elif point.step >= LAST_STEP:
            if start is None or start.seconds is None or point.seconds <= start.seconds:
                return None
            return (point.step - start.step) / (point.seconds - start.seconds)
    return None
