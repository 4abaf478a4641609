"""The metric of a stage as its script printed it, and what is wrong with it."""

import math

from golf.errors import shown
from jobs.events import Failed, Failure
from jobs.logs.live import LiveLog
from jobs.scripts.run import LAST_SCORE


def read_metric(live: LiveLog, metric: str | None) -> tuple[str | None, float | None]:
    """Name and value of a stage's metric; without a value where nothing, or more than one, was printed."""
    if metric == LAST_SCORE:
        return next(reversed([*live.scores().items()]), (LAST_SCORE, None))
    reading = live.metric()
    return (None, None) if metric is None else (metric, reading.value)


def unclear_metric(live: LiveLog, metric: str | None) -> Failed | None:
    """Why a script that ended well has no score; None where it has one, or its stage has no metric."""
    if metric is None:
        return None
    values = live.metric().values
    if metric == LAST_SCORE:
        values = tuple(live.scores().values())[-1:]
    if not values:
        return unfinished(f"it ended without an error and printed no {_line_of(metric)}")
    if len(values) > 1:
        first, *_, last = values
        more = "" if len(values) == 2 else f" and {len(values) - 2} more between them"
        return unfinished(
            f"the metric {shown(metric)} has different values, {first} and {last}{more}; name a line printed once"
        )
    if not math.isfinite(values[0]):
        return Failed(failure=Failure.DIVERGED, reason=f"the metric {shown(metric)} is {values[0]}")
    return None


def diverged(live: LiveLog) -> Failed | None:
    """Why a script must not go on whose loss is not a number; None where it is one."""
    return None if live.nan is None else Failed(failure=Failure.DIVERGED, reason=f"not finite: {short(live.nan)}")


def unfinished(reason: str) -> Failed:
    """A script that ended well and did not do what its stage says of it: another attempt would not, either."""
    return Failed(failure=Failure.BAD_CONFIGURATION, reason=reason)


def short(line: str) -> str:
    """A line as a reason has it."""
    line = " ".join(line.split())
    return line if len(line) <= 300 else f"{line[:299]}…"


def _line_of(metric: str) -> str:
    return (
        "score that is known; name its line as the stage's metric"
        if metric == LAST_SCORE
        else f"line of the metric {shown(metric)}"
    )
