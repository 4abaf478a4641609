"""Answers are made once for all, and again when what decides them has changed."""

import threading
import time

import pytest

from sweeps.web.kept import answers
from sweeps.web.kept.answers import KeptAnswers, Load

WAIT_SECONDS = 30.0


class Changing:
    """Something that changes, and counts how often an answer was made of it."""

    def __init__(self) -> None:
        self.version, self.made, self.seconds = 0, 0, 0.0

    def __call__(self) -> int:
        return self.version

    def make(self) -> int:
        self.made += 1
        until = time.thread_time() + self.seconds
        while time.thread_time() < until:
            pass
        return self.version


def test_an_answer_is_made_once_until_something_changes() -> None:
    changing = Changing()
    kept = KeptAnswers[int](changing, Load(), most=4)
    assert [kept.get("a", changing.make) for _ in range(3)] == [0, 0, 0]
    changing.version = 1
    assert [kept.get("a", changing.make), kept.get("b", changing.make)] == [1, 1]
    assert changing.made == 3


def test_many_who_ask_at_once_wait_for_one() -> None:
    changing, given = Changing(), list[int]()
    changing.seconds = 0.05
    kept = KeptAnswers[int](changing, Load(), most=4)
    threads = [threading.Thread(target=lambda: given.append(kept.get("a", changing.make))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (given, changing.made) == ([0] * 20, 1)


def test_a_dear_answer_is_given_as_it_was_and_made_anew_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "CHEAP_SECONDS", 0.01)
    changing = Changing()
    changing.seconds = 0.02
    kept = KeptAnswers[int](changing, Load(), most=4)
    kept.get("a", changing.make)
    changing.version = 1
    assert kept.get("a", changing.make) == 0
    await_answer(kept, changing, 1)
    assert (kept.get("a", changing.make), changing.made) == (1, 2)


def test_an_answer_is_not_given_for_ever() -> None:
    changing = Changing()
    kept = KeptAnswers[int](changing, Load(), most=4, seconds=0.0)
    assert (kept.get("a", changing.make), kept.get("a", changing.make), changing.made) == (0, 0, 2)


def test_an_error_is_raised_and_not_kept() -> None:
    kept = KeptAnswers[int](lambda: 0, Load(), most=4)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 7) == 7


def test_the_ones_that_nobody_asks_for_are_dropped() -> None:
    changing = Changing()
    kept = KeptAnswers[int](changing, Load(), most=2)
    for asked in ("a", "b", "a", "c", "a", "b"):
        kept.get(asked, changing.make)
    assert changing.made == 4, "b was dropped for c, and made once more"


def test_answers_that_together_take_too_much_are_given_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_SHARE", -1.0)
    changing = Changing()
    kept = KeptAnswers[int](changing, Load(), most=4)
    kept.get("a", changing.make)
    changing.version = 1
    assert kept.get("a", changing.make) == 0
    await_answer(kept, changing, 1)


def test_one_that_cannot_be_made_anew_is_given_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "MOST_SHARE", -1.0)
    changing, tried = Changing(), threading.Event()
    kept = KeptAnswers[int](changing, Load(), most=4)
    kept.get("a", changing.make)
    changing.version = 1

    def fail() -> int:
        tried.set()
        raise ZeroDivisionError

    assert kept.get("a", fail) == 0, "it is being made anew"
    assert tried.wait(WAIT_SECONDS)
    with pytest.raises(ZeroDivisionError):
        for _ in range(int(WAIT_SECONDS / 0.01)):
            kept.get("a", fail)
            time.sleep(0.01)
    assert kept.get("a", changing.make) == 1


def await_answer(kept: KeptAnswers[int], changing: Changing, expected: int) -> None:
    until = time.monotonic() + WAIT_SECONDS
    while kept.get("a", changing.make) != expected:
        assert time.monotonic() < until
        time.sleep(0.01)
