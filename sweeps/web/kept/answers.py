"""Answers that are made once for everybody who asks, until what decides them changes."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from jobs.store.kept import MOST_SECONDS

CHEAP_SECONDS = 0.1
"""Of processor time: an answer that takes no longer is made anew before it is given, as long as all of them together
take less than `MOST_SHARE` of the time. Else it is given as it was, and made anew in the background: one after the
other, and at most half of the time."""
MOST_SHARE, WINDOW_SECONDS = 0.2, 10.0
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Slot:
    """An answer, and how it was made."""

    answer: Any = None
    version: int | None = None
    """Of what decides it; None: there is no answer."""
    made: float = 0.0
    cost: float = 0.0
    """Seconds of processor time."""
    is_awaited: bool = False
    """Whether it is being made anew in the background."""


class Load:
    """What making answers takes, and the one thread that makes them in the background."""

    def __init__(self) -> None:
        self.making = threading.RLock()
        """One answer is made at a time, with those that it is made of: more threads would only wait for each other."""
        self.background = ThreadPoolExecutor(1, thread_name_prefix="kept-answers")
        self._costs: deque[tuple[float, float]] = deque()
        """When an answer was made, and its seconds of processor time, those of the last `WINDOW_SECONDS`."""
        self._lock = threading.Lock()

    def note(self, cost: float) -> None:
        """An answer was made."""
        with self._lock:
            self._costs.append((time.monotonic(), cost))

    def is_high(self) -> bool:
        """Whether too much of the time has gone into answers."""
        with self._lock:
            while self._costs and self._costs[0][0] < time.monotonic() - WINDOW_SECONDS:
                self._costs.popleft()
            return sum(cost for _, cost in self._costs) > MOST_SHARE * WINDOW_SECONDS


class KeptAnswers(Generic[Answer]):
    """Answers of one kind by what was asked.

    An answer that is asked for by many at once is made by one of them.
    """

    def __init__(self, changes: Callable[[], int], load: "Load", *, most: int, seconds: float = MOST_SECONDS) -> None:
        """Keep answers.

        Args:
            changes: a number that rises when what decides them changes.
            load: what all kept answers of the process take.
            most: as many answers at most; those that were not asked for the longest are dropped.
            seconds: for how long one is given, whatever has changed that `changes` does not know of.
        """
        self._changes, self._most, self._seconds = changes, most, seconds
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._load, self._background = load, load.background

    def get(self, asked: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer; whatever `make` raises is raised, and not kept."""
        slot, version = self._slot(asked), self._changes()
        if self._is_good(slot, version):
            return slot.answer  # type: ignore[no-any-return]
        if slot.version is not None and (slot.cost > CHEAP_SECONDS or self._load.is_high()):
            answer = slot.answer
            if not slot.is_awaited:
                slot.is_awaited = True
                self._background.submit(self._renew, slot, make)
            return answer  # type: ignore[no-any-return]
        with self._load.making:
            if not self._is_good(slot, version):  # else somebody made it while this call waited
                self._make(slot, version, make)
            return slot.answer  # type: ignore[no-any-return]

    def _slot(self, asked: Hashable) -> _Slot:
        with self._lock:
            slot = self._slots.setdefault(asked, _Slot())
            self._slots.move_to_end(asked)
            while len(self._slots) > self._most:
                self._slots.popitem(last=False)
            return slot

    def _is_good(self, slot: _Slot, version: int) -> bool:
        return slot.version is not None and slot.version >= version and time.monotonic() - slot.made < self._seconds

    def _make(self, slot: _Slot, version: int, make: Callable[[], Answer]) -> None:
        began = time.thread_time()
        slot.answer = make()
        slot.version, slot.made, slot.cost = version, time.monotonic(), time.thread_time() - began
        self._load.note(slot.cost)

    def _renew(self, slot: _Slot, make: Callable[[], Answer]) -> None:
        try:
            with self._load.making:
                self._make(slot, self._changes(), make)
        except Exception:
            slot.version = None  # whoever asks next makes it, and meets the error
        finally:
            slot.is_awaited = False
        time.sleep(slot.cost)
