"""Progress: what the panel and a line say, how often, what is left, and a bar that never runs backwards."""

import io
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from jobs.spec import Job, Machine, Order
from jobs.state import JobState
from jobs.store import JobRecord
from sweeps.driver.snapshot import Snapshot
from sweeps.views.terminal.progress import LINE_SECONDS, SHOWN_JOBS, LiveProgress, line, panel
from sweeps.views.terminal.progress_facts import SweepMoment, SweepUsage, describe_stages, seconds_left, share_done
from sweeps.views.wording import duration, elapsed

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)


def job(state: str, number: int = 0, label: str = "train seed 1", stage: str = "train", **changes: Any) -> JobRecord:
    spec = Job(stage=stage, settings={"number": number}, inputs={}, seed=1, machine=MACHINE, arithmetic=1)
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
    to_come={"train": 2, "quantize": 0, "eval": 3, "audit": 7}, confirmed=4, to_confirm=21,
)  # fmt: skip
EMPTY = Snapshot(phase="train", done=False, jobs=(), trials=0, trials_done=0, best=None, to_come={})
USAGE = SweepUsage(
    name="demo", unit="core", slots=2, hours=0.06, dollars=0.0031, budget_dollars=5.0
)  # fmt: skip
NOON = time.mktime((2026, 11, 26, 12, 0, 0, 0, 0, -1))
MOMENT = SweepMoment(snapshot=SNAPSHOT, usage=USAGE, seconds=130.0, left=200.0, share=0.4, now=NOON)


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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (288, "4m48s"),
        (3599.6, "1h00m"),
        (7500, "2h05m"),
        (270_000, "3d03h"),
    ],
)
def test_elapsed_times_have_two_units_at_most(seconds: float, text: str) -> None:
    assert elapsed(seconds) == text


def test_a_line_has_all_facts() -> None:
    assert line(MOMENT) == (
        "demo · 2m10s · ends about 12:03, in 3m20s · train 3/5 · search 5/24 · confirm 4/21 · audit 0/7"
        " · $0.0031 of $5.00 spent · 1 of 2 cores busy · best tuning score 1.2346 (trial 3) · 1 job failed"
    )


def test_a_line_counts_trials_that_the_file_rules_out() -> None:
    over = replace(MOMENT, snapshot=replace(SNAPSHOT, infeasible=1))
    assert line(over).endswith(" · best tuning score 1.2346 (trial 3) · 1 trial over the byte limit · 1 job failed")


def test_the_score_of_a_cheaper_trial_is_named_as_such() -> None:
    assert "best proxy score 1.2346 (trial 3)" in line(replace(MOMENT, snapshot=replace(SNAPSHOT, by_proxy=True)))


def test_a_line_leaves_out_what_is_not_known() -> None:
    assert line(SweepMoment(snapshot=None, seconds=0.2)) == "0s · starting"
    assert line(SweepMoment(snapshot=EMPTY, seconds=61.0)) == "1m01s · 0 slots busy"
    hours = SweepUsage(name="s", unit="GPU", slots=8, hours=0.5, budget_hours=12.0)
    assert "0.50 GPU-hours of 12 · 1 of 8 GPUs busy" in line(replace(MOMENT, usage=hours))


def test_a_finish_on_another_day_names_it() -> None:
    assert "ends about Fri 12:00, in 1d00h" in line(replace(MOMENT, left=86_400.0))


def test_stages_are_named_as_people_know_them_and_counted_to_their_end() -> None:
    assert describe_stages(SNAPSHOT) == ["train 3/5", "search 5/24", "confirm 4/21", "audit 0/7"]
    assert describe_stages(EMPTY) == []


def test_what_is_left_is_the_work_over_the_slots() -> None:
    known: Mapping[str, float] = {"train": 60.0, "eval": 10.0}
    snapshot = replace(SNAPSHOT, to_come={"train": 2, "quantize": 0, "eval": 3})
    assert seconds_left(snapshot, known, 5) == pytest.approx((2 * 60 + 3 * 10) / 5)
    assert seconds_left(snapshot, known, 0) == pytest.approx(2 * 60 + 3 * 10)
    # Nothing of the kind has ended yet, so nothing is guessed.
    assert seconds_left(snapshot, {"train": 60.0}, 5) is None
    assert seconds_left(EMPTY, {}, 5) == 0.0


def test_the_share_is_that_of_the_plan_or_else_of_the_jobs() -> None:
    assert share_done(SNAPSHOT, 30.0, 90.0) == 0.25
    assert share_done(SNAPSHOT, 30.0, None) == pytest.approx(3 / (3 + 12))
    assert share_done(EMPTY, 0.0, None) == share_done(EMPTY, 0.0, 0.0) == 0.0
    assert share_done(replace(SNAPSHOT, done=True), 30.0, None) == 1.0


PANEL = """\
demo · search · 2m10s · ends about 12:03, in 3m20s
━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━─────────────────────────────────────────────  40%
train 3/5 · search 5/24 · confirm 4/21 · audit 0/7
$0.0031 of $5.00 spent · 1 of 2 cores busy
best tuning score 1.2346 (trial 3) · 1 job failed
  [bold]odd[/bold] seed 4   42%  step 3/7 [loss]"""


def rendered(moment: SweepMoment, width: int = 80, only_ascii: bool = False) -> str:
    return "\n".join(text.plain for text in panel(moment, width, only_ascii=only_ascii))


def test_the_panel_shows_the_same_facts_and_what_runs_now() -> None:
    assert rendered(MOMENT) == PANEL
    assert rendered(MOMENT, only_ascii=True) == PANEL.replace("━", "#").replace("─", "-").replace("·", "|")
    assert rendered(SweepMoment(snapshot=None, usage=SweepUsage(name="demo"))).startswith("demo · starting · 0s\n")


@given(st.integers(40, 200), st.booleans(), st.text(max_size=60), st.text(max_size=90))
@settings(max_examples=40)
def test_the_panel_is_never_wider_than_the_terminal(width: int, only_ascii: bool, label: str, note: str) -> None:
    running = job("running", 9, label, note=note, fraction=0.123)
    moment = replace(MOMENT, snapshot=replace(SNAPSHOT, jobs=(*JOBS, running)))
    shown = rendered(moment, width, only_ascii).splitlines()
    assert all(cell_len(each) <= width for each in shown), max(shown, key=cell_len)
    assert any(" 12%" in each for each in shown)


def test_the_panel_of_much_is_bounded() -> None:
    many = tuple(job("running", number, f"seed {number}") for number in range(50))
    shown = rendered(replace(MOMENT, snapshot=replace(EMPTY, jobs=many))).splitlines()
    assert sum("seed" in each for each in shown) == SHOWN_JOBS
    assert shown[-1] == f"  and {50 - SHOWN_JOBS} more jobs"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_at_once_then_by_the_clock_and_last_when_it_is_done() -> None:
    stream, clock = io.StringIO(), Clock()
    with LiveProgress(Console(file=stream, force_terminal=False, width=80), clock, name="demo") as progress:
        progress.show(SNAPSHOT, None)
        clock.now += LINE_SECONDS - 1
        progress.show(SNAPSHOT, None)
        assert len(stream.getvalue().splitlines()) == 1
        clock.now += 1
        progress.show(SNAPSHOT, None)
        clock.now += 1
        progress.show(replace(SNAPSHOT, done=True), 0.0)
    first, second, last = stream.getvalue().splitlines()  # longer than the terminal is wide, and yet one line each
    assert first.startswith("demo · 0s · train 3/5") and second.startswith("demo · 15s · train 3/5")
    assert last.startswith("demo · done in 16s · train 3/5")
    assert "\x1b" not in stream.getvalue()


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), min_size=1, max_size=20))
@settings(max_examples=40)
def test_the_bar_never_runs_backwards(estimates: list[float | None]) -> None:
    clock = Clock()
    progress = LiveProgress(Console(file=io.StringIO(), force_terminal=False), clock)
    shares = []
    for left in estimates:
        clock.now += 10.0
        progress.show(SNAPSHOT, left)
        shares.append(progress._moment.share)
    assert shares == sorted(shares) and all(0 <= share <= 1 for share in shares)


def test_what_a_sweep_uses_is_read_now_and_then_and_kept_where_it_cannot_be_read() -> None:
    answers: list[SweepUsage | None] = [USAGE, None]
    stream, clock = io.StringIO(), Clock()
    console = Console(file=stream, force_terminal=False, width=80)
    progress = LiveProgress(console, clock, usage=lambda: answers.pop(0))
    for _ in range(2):
        progress.show(SNAPSHOT, None)
        clock.now += LINE_SECONDS
    assert [each.count("$0.0031 of $5.00 spent") for each in stream.getvalue().splitlines()] == [1, 1]


@pytest.mark.parametrize(("dumb", "moves"), [(False, True), (True, False)])
def test_a_terminal_gets_a_live_panel_unless_it_cannot_move_its_cursor(dumb: bool, moves: bool) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100, height=30, _environ={"TERM": "dumb"} if dumb else {})
    with LiveProgress(console) as progress:
        progress.show(SNAPSHOT, 200.0)
        progress.show(replace(SNAPSHOT, trials_done=6), 100.0)
    text = stream.getvalue()
    assert ("search 6/24" in text, "\x1b[" in text) == (moves, moves)
    assert ("search 5/24" in text) is True
