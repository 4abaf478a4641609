"""Progress: what a line and the panel say, how often, and what is left."""

import io
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from jobs.spec import Job, Machine, Order
from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.driver.snapshot import Snapshot
from sweeps.views.terminal.progress import LINE_SECONDS, SHOWN_JOBS, LiveProgress, line, panel, seconds_left
from sweeps.views.wording import duration

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)


def job(state: str, number: int = 0, label: str = "train seed 1", **changes: Any) -> JobRecord:
    spec = Job(stage="train", settings={"number": number}, inputs={}, seed=1, machine=MACHINE, arithmetic=1)
    facts: dict[str, Any] = {
        "key": spec.key, "order": Order(job=spec, sweep="s", label=label), "state": JobState(state), "created": 0.0,
        "failures": 0, "claimed_by": None, "attempt": 1, "fraction": 0.0, "note": "", "checkpoint": None,
        "outputs": None, "reason": None, "finished": None, "seconds": None,
    }  # fmt: skip
    return JobRecord(**facts | changes)


JOBS = (
    job("done", 0), job("done", 1), job("queued", 2), job("failed", 3),
    job("running", 4, "[bold]odd[/bold] seed 4", fraction=0.42, note="step 3/7 [loss]"),
)  # fmt: skip
SNAPSHOT = Snapshot(
    phase="search", done=False, jobs=JOBS, trials=24, trials_done=5, best=("trial 3", 1.23456),
    to_come={"train": 2, "quantize": 0, "eval": 3},
)  # fmt: skip
EMPTY = Snapshot(phase="train", done=False, jobs=(), trials=0, trials_done=0, best=None, to_come={})


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (99.4, "99 s"),
        (99.6, "1:40 min"),
        (125, "2:05 min"),
        (5999.4, "99:59 min"),
        (5999.6, "1:40 h"),
        (7500, "2:05 h"),
        (360_000, "100:00 h"),
    ],
)
def test_durations_are_read_by_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_line_says_where_the_sweep_stands() -> None:
    assert line(SNAPSHOT, 200.0) == (
        "search · jobs 2 done, 1 running, 1 queued · 1 failed · trials 5/24 · best 1.2346 bpb (trial 3)"
        " · about 3:20 min left"
    )


def test_a_line_leaves_out_what_is_not_known() -> None:
    assert line(EMPTY, None) == "train · jobs 0 done, 0 running, 0 queued"


def test_what_is_left_is_the_work_over_the_slots() -> None:
    known: Mapping[str, float] = {"train": 60.0, "eval": 10.0}
    assert seconds_left(SNAPSHOT, known, 5) == pytest.approx((2 * 60 + 3 * 10) / 5)
    assert seconds_left(SNAPSHOT, known, 0) == pytest.approx(2 * 60 + 3 * 10)
    # Nothing of the kind has ended yet, so nothing is guessed.
    assert seconds_left(SNAPSHOT, {"train": 60.0}, 5) is None
    assert seconds_left(EMPTY, {}, 5) == 0.0


def rendered(snapshot: Snapshot, left: float | None = None, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False, color_system=None)
    with console.capture() as captured:
        console.print(panel(snapshot, left))
    return captured.get()


def test_the_panel_shows_the_line_and_what_runs_now() -> None:
    text = rendered(SNAPSHOT, 200.0)
    assert "trials 5/24" in text
    assert "about 3:20 min left" in text
    # A job's name is nobody's markup.
    assert "[bold]odd[/bold] seed 4" in text
    assert "42%" in text
    assert max(map(len, text.splitlines())) <= 80


def test_the_bar_has_a_line_of_its_own() -> None:
    [running] = [line for line in rendered(SNAPSHOT).splitlines() if "42%" in line]
    assert running.split() == ["[bold]odd[/bold]", "seed", "4", "42%", "step", "3/7", "[loss]"]


def test_the_panel_of_nothing_and_of_much_is_bounded() -> None:
    assert "jobs 0 done" in rendered(EMPTY)
    many = tuple(job("running", number, f"seed {number}") for number in range(50))
    text = rendered(replace(EMPTY, jobs=many))
    assert "50 running" in text
    assert sum("seed" in line for line in text.splitlines()) == SHOWN_JOBS


def bar_of(snapshot: Snapshot) -> float:
    bar: Any = panel(snapshot, None).renderables[1]
    return float(bar.completed / bar.total)


def test_the_bar_fills_as_jobs_end_well_or_not() -> None:
    assert bar_of(EMPTY) == 0.0
    assert bar_of(SNAPSHOT) == pytest.approx(3 / 5)
    assert bar_of(replace(SNAPSHOT, jobs=(job("done"), job("failed", 1)))) == 1.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_when_there_is_news_and_not_too_often() -> None:
    stream, clock = io.StringIO(), Clock()
    with LiveProgress(Console(file=stream, force_terminal=False, width=80), clock) as progress:
        progress.show(EMPTY, None)
        progress.show(SNAPSHOT, None)
        assert stream.getvalue().splitlines() == [line(EMPTY, None)]
        clock.now += LINE_SECONDS
        progress.show(SNAPSHOT, None)
        # Longer than the terminal is wide, and yet one line, for whoever reads it with grep.
        assert stream.getvalue().splitlines() == [line(EMPTY, None), line(SNAPSHOT, None)]
        clock.now += 10 * LINE_SECONDS
        progress.show(SNAPSHOT, None)
        assert len(stream.getvalue().splitlines()) == 2
        progress.show(replace(SNAPSHOT, trials_done=6), None)
        # What comes last is not held back.
        ended = replace(SNAPSHOT, phase="done", done=True, trials_done=7)
        progress.show(ended, 0.0)
        assert stream.getvalue().splitlines()[2:] == [line(replace(SNAPSHOT, trials_done=6), None), line(ended, 0.0)]
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_a_live_panel() -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=30)
    with LiveProgress(console) as progress:
        progress.show(SNAPSHOT, 200.0)
        progress.show(replace(SNAPSHOT, trials_done=6), 100.0)
    text = stream.getvalue()
    assert "trials 6/24" in text
    assert "\x1b" in text
