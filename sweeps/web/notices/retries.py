"""When a notice that did not arrive is sent again: later and later, as its receiver asks, and for a day."""

import email.utils
import random
from collections.abc import Callable
from dataclasses import dataclass

FIRST_SECONDS = 5.0
MOST_SECONDS = 3600.0
"""Between two tries, whatever the receiver asks for."""
GIVEN_UP_SECONDS = 86400.0
"""Age from which on a notice that fails is not tried again."""
FINAL = (400, 405, 406, 411, 413, 414, 415, 422)
"""Statuses that the same notice would get again; of others, the receiver's settings or moment may be the cause."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What came of a try."""

    status: int | None
    """None: no answer came."""
    error: str
    """Why it did not arrive; empty if it did."""
    retry_after: float | None = None
    """Seconds that the receiver asked to wait."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NextTry:
    """What to do after a try that failed."""

    wait: float
    """Seconds until the webhook tries again, with this notice or the next one."""
    give_up: bool


def plan_retry(
    answer: Answer, failures: int, age: float, jitter: Callable[[float, float], float] = random.uniform
) -> NextTry:
    """When to try again.

    Args:
        answer: to the try that failed.
        failures: tries in a row that failed before it.
        age: of the notice, in seconds.
        jitter: a number between two, so that many who wait do not come back at once.
    """
    longest = min(FIRST_SECONDS * 2 ** min(failures, 20), MOST_SECONDS)
    wait = max(jitter(longest / 2, longest), answer.retry_after or 0.0)
    return NextTry(wait=min(wait, MOST_SECONDS), give_up=answer.status in FINAL or age >= GIVEN_UP_SECONDS)


def read_retry_after(text: str | None, now: float) -> float | None:
    """Seconds that a Retry-After header asks for: a number, or a date (RFC 9110); None where it says neither."""
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - now
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(0.0, seconds), MOST_SECONDS) if seconds == seconds else None
