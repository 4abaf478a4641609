"""Answers that are made once for everybody who asks, until what decides them changes."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from jobs.store.kept import MOST_SECONDS

CHEAP_SECONDS = 0.2
"""Of processor time: an answer that takes no longer is made anew before it is given. A dearer one is given as it was,
and made anew in the background, at most half of the time."""
Answer = TypeVar("Answer")


@dataclass(slots=True)
class _Slot:
    """An answer, and how it was made."""

    making: threading.Lock = field(default_factory=threading.Lock)
    answer: Any = None
    version: int | None = None
    """Of what decides it; None: there is no answer."""
    made: float = 0.0
    cost: float = 0.0
    """Seconds of processor time."""
    is_awaited: bool = False
    """Whether it is being made anew in the background."""


class KeptAnswers(Generic[Answer]):
    """Answers of one kind by what was asked.

    An answer that is asked for by many at once is made by one of them.
    """

    def __init__(self, changes: Callable[[], int], *, most: int, seconds: float = MOST_SECONDS) -> None:
        """Keep answers.

        Args:
            changes: a number that rises when what decides them changes.
            most: as many answers at most; those that were not asked for the longest are dropped.
            seconds: for how long one is given, whatever has changed that `changes` does not know of.
        """
        self._changes, self._most, self._seconds = changes, most, seconds
        self._slots: OrderedDict[Hashable, _Slot] = OrderedDict()
        self._lock = threading.Lock()
        self._background = ThreadPoolExecutor(1, thread_name_prefix="kept-answers")

    def get(self, asked: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer; whatever `make` raises is raised, and not kept."""
        slot, version = self._slot(asked), self._changes()
        if self._is_good(slot, version):
            return slot.answer  # type: ignore[no-any-return]
        if slot.version is not None and slot.cost > CHEAP_SECONDS:
            answer = slot.answer
            if not slot.is_awaited:
                slot.is_awaited = True
                self._background.submit(self._renew, slot, make)
            return answer  # type: ignore[no-any-return]
        with slot.making:
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

    def _renew(self, slot: _Slot, make: Callable[[], Answer]) -> None:
        try:
            with slot.making:
                self._make(slot, self._changes(), make)
        except Exception:
            slot.version = None  # whoever asks next makes it, and meets the error
        finally:
            slot.is_awaited = False
        time.sleep(slot.cost)
