"""How far a run is: by steps, by the limit of time, then by the phases that follow."""

import pytest

from jobs.logs.live import OUTPUT, LiveLog
from tests.jobs.logs.samples import MILLISECONDS, MINUTES


def notes(text: str, live: LiveLog) -> dict[str, float]:
    """Note → how far the run was when it first stood there."""
    shown: dict[str, float] = {}
    for line in text.encode().splitlines(keepends=True):
        live.feed(OUTPUT, line)
        fraction, note = live.progress()
        shown.setdefault(note, fraction)
    return shown


def test_a_run_that_ends_by_the_clock() -> None:
    shown = notes(MILLISECONDS, LiveLog(durations={"train": 600, "roundtrip": 10, "sliding": 90, "adapted": 300}))
    assert shown["warming up: 1 of 20"] == 0
    # 1,200 of 2,000 steps, but 480 of 600 seconds: the clock ends it.
    assert shown["step 1200/2000, loss 2.2, 2:00 left"] == pytest.approx(0.8 * 600 / 1000)
    assert shown["training stopped at its limit"] == pytest.approx(0.6)
    assert shown["final_sliding_window 1.21060012"] == pytest.approx((600 + 60 + 10 + 90) / 1060)
    assert shown["adapting: 21 of 40"] == pytest.approx((760 + 300 * 21 / 40) / 1060)
    assert shown["legal_ttt 1.1905"] == 1
    assert list(shown.values()) == sorted(shown.values())


def test_minutes_and_the_seconds_kept_for_quantization_count() -> None:
    shown = notes(MINUTES, LiveLog())
    # 500 · 0.4 s are 3.3 minutes of the 590 s that are left of 600.
    assert shown["step 500/2000, loss 7, 6:32 left"] == pytest.approx(198 / 590 * 590 / (590 + 60 + 20 + 90 + 400))
    # One of eight processes prints its own batches, in any order.
    assert [note for note in shown if note.startswith("adapting: ") and "of 80" in note] == [
        f"adapting: {done} of 80" for done in (8, 16, 24, 32, 40, 48)
    ]
    assert "adapting: phase 2 of 2" in shown
    assert list(shown.values()) == sorted(shown.values())


def test_without_a_limit_the_steps_count() -> None:
    live = LiveLog(durations={"train": 100})
    live.feed(OUTPUT, b"max_wallclock_seconds:0.000\nstep:5/20 train_loss:2.5 train_time:50000ms\n")
    assert live.progress() == (0.25, "step 5/20, loss 2.5, 2:30 left")


def test_the_limit_of_the_environment_counts_until_the_log_prints_its_own() -> None:
    live = LiveLog(None, 100.0, durations={"train": 100})
    live.feed(OUTPUT, b"step:1/2000 train_loss:2.5 train_time:50000ms\n")
    assert live.progress()[0] == 0.5
    live.feed(OUTPUT, b"max_wallclock_seconds:80.000\nstep:2/2000 train_loss:2.5 train_time:60000ms\n")
    assert live.progress()[0] == 0.75


def test_a_long_training_takes_its_own_share() -> None:
    live = LiveLog("final_int8_zlib_roundtrip_exact")
    live.feed(OUTPUT, b"step:500/1000 train_loss:2.5 train_time:7200000ms\n")
    assert live.progress()[0] == pytest.approx(7200 / (14400 + 60 + 20))


def test_an_evaluation_alone_has_no_training_to_wait_for() -> None:
    live = LiveLog("legal_ttt_exact")
    live.feed(OUTPUT, b"step:0/0 val_loss:9.0 val_bpb:3.4 train_time:0ms\nttt_sliding:start chunks=40\n")
    assert live.progress() == (0, "adapting")
    live.feed(OUTPUT, b"  ttt_chunk [20/40] bpb=1.1 time=9.0s\n")
    assert live.progress() == (0.5, "adapting: 20 of 40")


@pytest.mark.parametrize(
    "line",
    [
        "step:9999/10 train_loss:2.5 train_time:9000000ms",
        "step:5/0 train_loss:2.5 train_time:9ms",
        "3/4 [00:01<00:02]",
        "ttt_chunk [9/0] bpb=1",
        "ttt_chunk [90/3] bpb=1",
        "sliding_eval [ 999.9%] 1/2",
        "ttp: b1/0 bl:1",
        "ttpp: phase:9/3 pd:1",
        "world_size:0",
        "max_wallclock_seconds:0",
        "gptq_reserve_seconds: 900 max_wallclock_seconds: 600",
    ],
)
def test_odd_numbers_keep_it_within_its_bounds(line: str) -> None:
    live = LiveLog()
    shown = 0.0
    for text in (line, "ttp: b1/9 bl:1", line, "step:5/10 train_loss:2.5 train_time:9ms", line):
        live.feed(OUTPUT, f"{text}\n".encode())
        before, (shown, _) = shown, live.progress()
        assert before <= shown <= 1
