"""Somebody sets the wall clock while a job runs: money, budgets and deadlines stay what they are."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs.budget import Budget
from jobs.store import STALE_SECONDS, Store
from tests.jobs.stores import FACTS, Clock, order


class Money:
    """A running attempt at $1 per slot-second, on two clocks."""

    def __init__(self, url: str) -> None:
        self.url, self.wall, self.clock = url, Clock(), Clock()
        self.store = self.open()
        self.store.put_sweep("s", {}, Budget(dollars_per_gpu_hour=3600.0, gpu_hours=1.0, deadline=self.wall.now + 60))
        self.key = self.store.put_job(order(1)).key
        self.store.beat("a")
        self.store.claim("a", 1)
        self.store.start_attempt(self.key, "a", sweep="s", slots=2, seconds=30.0, **FACTS)

    def open(self) -> Store:
        return Store.open(self.url, self.wall, self.clock)

    def costs(self) -> list[tuple[float | None, float]]:
        return [(attempt.cost, attempt.seconds) for attempt in self.store.attempts(self.key)]


@pytest.mark.parametrize("step", [7200.0, -7200.0])
class TestClockSteps:
    """Somebody sets the wall clock while an attempt runs: it costs what it ran."""

    @pytest.fixture
    def money(self, url: str, step: float) -> Iterator[Money]:
        made = Money(url)
        made.clock.now += 10
        made.wall.now += 10 + step
        yield made
        made.store.close()

    @pytest.mark.parametrize("how", ["finish", "fail", "release", "cancel"])
    def test_however_an_attempt_ends(self, money: Money, how: str) -> None:
        end: dict[str, Callable[[], object]] = {
            "finish": lambda: money.store.finish(money.key, 1, {}, seconds=10.0, peak_bytes=None),
            "fail": lambda: money.store.fail(money.key, 1, "x", counted=True, final=True),
            "release": lambda: money.store.release([money.key]),
            "cancel": lambda: money.store.cancel_sweep("s"),
        }
        end[how]()
        assert money.costs() == [(pytest.approx(20.0), 10.0)]
        assert money.store.account("s").spent == pytest.approx(20 / 3600)

    def test_budgets_and_limits_count_what_it_ran(self, money: Money, step: float) -> None:
        money.store.put_sweep("s", {}, Budget(gpu_hours=21 / 3600))
        assert money.store.overspent() == {}
        money.clock.now += 1
        assert "budget.gpu_hours" in money.store.overspent()["s"]

    def test_a_lost_attempt_costs_what_it_ran_until_its_schedulers_last_heartbeat(self, money: Money) -> None:
        money.store.beat("a")
        money.clock.now += STALE_SECONDS + 1
        money.store.beat("b")
        money.store.claim("b", 1)
        assert money.costs() == [(pytest.approx(20.0), 10.0)]

    def test_another_machine_knows_what_it_ran_until_its_schedulers_last_heartbeat(
        self, money: Money, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        money.store.beat("a")
        money.clock.now += 3
        far = Store.open(money.url, money.wall, lambda: 5.0)
        with monkeypatch.context() as patch:
            patch.setattr("jobs.store.work.accounts.identity", lambda: "another machine")
            far.cancel_sweep("s")
        far.close()
        assert money.costs() == [(pytest.approx(20.0), 10.0)]


def test_a_deadline_is_by_the_clock_as_it_was_when_the_process_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, real = Store.open(f"sqlite:///{tmp_path}/store.db"), time.time
    store.put_sweep("s", {}, Budget(deadline=real() + 3600))
    monkeypatch.setattr("time.time", lambda: real() + 7200)
    assert store.overspent() == {}
    store.put_sweep("s", {}, Budget(deadline=real() - 1))
    assert "deadline" in store.overspent()["s"]
    store.close()
