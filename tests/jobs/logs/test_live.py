"""The live reader: the same numbers as the reader of complete logs, however the bytes arrive."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from golf.errors import InputError
from jobs.logs import parse
from jobs.logs.live import MAX_POINTS, OUTPUT, LiveLog
from jobs.logs.marks import MOST_ALIKE, SOME_ALIKE
from jobs.logs.metric import MetricReading, check_metric
from tests.jobs.logs.replay import compare_folder, complete, replay
from tests.jobs.logs.samples import MILLISECONDS, MINUTES, RULER, SOURCE

LOGS = [MILLISECONDS.encode(), MINUTES.encode()]


def live_of(text: str, metric: str | None = None, limit_seconds: float | None = None) -> LiveLog:
    live = LiveLog(metric, limit_seconds)
    live.feed(OUTPUT, text.encode())
    live.end()
    return live


@given(
    outputs=st.tuples(*[st.sampled_from(LOGS)] * 2),
    lengths=st.tuples(*[st.floats(0, 1)] * 2),
    noise=st.binary(max_size=40),
    at=st.integers(0, len(MINUTES)),
    seed=st.integers(0, 10**6),
    pieces=st.integers(1, 60),
)
def test_any_pieces_of_two_files_give_what_complete_logs_give(
    outputs: tuple[bytes, bytes], lengths: tuple[float, float], noise: bytes, at: int, seed: int, pieces: int
) -> None:
    output, own = (log[: int(len(log) * length)] for log, length in zip(outputs, lengths, strict=True))
    files = {OUTPUT: output[:at] + noise + output[at:], "logs/own.txt": own}
    live = replay(files, random.Random(seed), pieces)
    assert live.log() == complete(files)


def test_lines_of_one_byte_each() -> None:
    live = LiveLog("legal_ttt_exact")
    for byte in MILLISECONDS.encode():
        live.feed(OUTPUT, bytes([byte]))
    assert live.log() == parse([MILLISECONDS.encode()])
    assert live.metric().value == 1.19051234


def test_scores_clocks_and_sizes() -> None:
    live = live_of(MILLISECONDS, "legal_ttt_exact")
    assert live.scores() == {
        "pre_quant_eval": 1.2266,
        "final_int8_zlib_roundtrip": 1.23074321,
        "final_sliding_window": 1.21060012,
        "legal_ttt": 1.19051234,
    }
    assert live.clocks() == {
        "train_seconds": 600.01,
        "eval_seconds": 300.0,
        "trained_seconds": 4.0,
        "roundtrip_seconds": 5.0,
        "sliding_seconds": 90.0,
        "adapted_seconds": 300.0,
    }
    assert live.bytes() == {"artifact": 15_000_000, "code": 50_000, "total": 15_050_000}
    assert live.stopped_early
    assert not live_of("step:20/20 train_loss:2.0 train_time:9ms\n").stopped_early
    # The time of the evaluation is that of the metric.
    assert live_of(MILLISECONDS, "final_int8_zlib_roundtrip_exact").clocks()["eval_seconds"] == 5.0


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("legal_ttt_exact", (1.19051234,)),
        ("legal_ttt", (1.19051234,)),  # the exact line and its rounded copy are one value
        ("final_int8_zlib_roundtrip_exact", (1.23074321,)),
        ("final_sliding_window", (1.21060012,)),
        ("never_printed", ()),
        (r"^final_int8_zlib_roundtrip_exact val_loss:([\d.]+)", (2.07801234,)),
        (r"^final_int8_zlib_roundtrip(?:_exact)? val_loss:(?P<loss>[\d.]+)", (2.078, 2.07801234)),
        (r"train_loss:([\d.]+)", (6.996, 6.992, 6.2, 5.4, 4.6, 3.8, 3.0, 2.2, 1.4)),
        (r"val_bpb:([^ ]+)", (4.1077, 1.2273, 1.2266, 1.2307, 1.23074321, 1.21060012, 1.1905, 1.19051234)),
    ],
)
def test_the_metric_is_a_lines_name_or_a_regular_expression(metric: str, values: tuple[float, ...]) -> None:
    reading = live_of(MILLISECONDS, metric).metric()
    assert reading == MetricReading(name=metric, values=values)
    assert reading.value == (values[0] if len(values) == 1 else None)


def test_the_same_metric_in_two_files_is_one_value_and_another_is_not() -> None:
    live = LiveLog("final")
    live.feed(OUTPUT, b"final val_loss:2.0 val_bpb:1.25\n")
    live.feed("logs/own.txt", b"final val_loss:2.0 val_bpb:1.25\n")
    assert live.metric().value == 1.25
    live.feed(OUTPUT, b"final val_loss:2.0 val_bpb:1.26\n")
    assert (live.metric().values, live.metric().value) == ((1.25, 1.26), None)


@pytest.mark.parametrize("metric", ["final", r"final .*val_bpb:([\d.]+)"])
def test_digits_of_another_process_behind_a_value_make_no_second_one(metric: str) -> None:
    glued = "final val_loss:2.0 val_bpb:1.25001112:00:01 rank 3 says so\n"
    assert live_of(glued + "final val_loss:2.0 val_bpb:1.2500\n", metric).metric().value == 1.25
    assert live_of(glued, metric).metric().value == 1.25001112


def test_a_rounded_copy_is_not_the_exact_line() -> None:
    assert live_of("final_ttt val_loss:2.0 val_bpb:1.2500\n", "final_ttt_exact").metric().values == ()


@pytest.mark.parametrize("metric", ["quantized", r"val_bpb: ([\d.]+)", r"val_bpb:(enabled|[\d.]+)"])
def test_source_code_and_settings_give_no_metric(metric: str) -> None:
    live = live_of(SOURCE, metric)
    assert (live.metric().values, live.log().scores, live.progress()) == ((), [], (0.0, "starting"))
    assert live_of(SOURCE + RULER + "val_bpb:enabled tokenizer_kind=sentencepiece\n", metric).metric().values == ()


def test_results_end_source_code_that_no_ruler_ends() -> None:
    live = live_of(SOURCE + "step:9/9 train_loss:2.0 train_time:9ms\nlegal_ttt val_loss:2 val_bpb:1.1\n", "legal_ttt")
    assert live.metric().value == 1.1


@pytest.mark.parametrize("text", ["import flash_attn failed, falling back", "class 3 of 9", 'from scratch import"'])
def test_words_that_look_like_source_code_hide_nothing(text: str) -> None:
    assert live_of(f"{text}\nlegal_ttt val_loss:2.0 val_bpb:1.1\n", "legal_ttt").metric().value == 1.1


def test_a_cut_number_is_no_value() -> None:
    for metric in ("legal_ttt_exact", r"legal_ttt_exact .*val_bpb:([\d.]+)"):
        live = live_of("legal_ttt_exact val_loss:2.01012345 val_bpb:1.1905", metric)
        assert live.metric().values == ()


@pytest.mark.parametrize(
    ("metric", "problem"),
    [
        (r"val_bpb:[\d.]+", "has 0 groups"),
        (r"(val)_bpb:([\d.]+)", "has 2 groups"),
        (r"\(val_bpb:[(] [\d.]+", "has 0 groups"),
        (r"val_bpb:([\d.]+", "missing )"),
        (r"(?<=x)val_bpb:([\d.]+)", "invalid"),
        (r"(a)\1", "invalid escape sequence"),
        ("(" + "a" * 500 + ")", "has 502 characters"),
        ("", "has 0 groups"),
    ],
)
def test_what_is_neither_name_nor_expression_is_an_error(metric: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        check_metric(metric)
    assert problem in str(error.value)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.timeout(60)
@pytest.mark.parametrize("metric", [r"((?:a+)+)b", r"(.*.*.*.*.*)=", r"((?:a|aa|\w)*)$x"])
def test_no_expression_takes_longer_than_its_lines_are_long(metric: str) -> None:
    assert live_of(("a" * 60_000 + "\n") * 5, metric).metric().values == ()


@pytest.mark.parametrize(
    "line",
    [
        "step:7/20 train_loss:nan train_time:7ms step_avg:1ms",
        "7/20 train_loss: NaN train_time: 0.1m tok/s: 9",
        "step:7/20 val_loss:inf val_bpb:inf train_time:7ms",
        "0/20 val_loss: -inf val_bpb: 1.0",
        "final val_loss:nan val_bpb:nan",
    ],
)
def test_a_loss_that_is_no_number_ends_all_hope(line: str) -> None:
    live = live_of(f"step:6/20 train_loss:2.0 train_time:6ms\n{line}\n", "final")
    assert live.nan == line


@pytest.mark.parametrize(
    "line",
    [
        "step:7/20 train_loss:2.0 train_time:7ms nan_guard:1",
        "tttg: c1/9 lr:nan",
        "another val_loss:nan val_bpb:nan",
        "step:7/20 train_loss:2.0 info_loss: 1",
        "skipping a step with loss: nan",
    ],
)
def test_other_lines_end_none(line: str) -> None:
    assert live_of(f"{line}\n", "final").nan is None


@pytest.mark.parametrize(
    "text",
    [
        "[rank3]:[W1130 Init.cpp:12] Warning: slow (function f)step:7/20 train_loss:2.5000 train_time:70ms\n\n",
        "step:6/20 train_loss:2.6 train_time:6ms step_avg:1.00msstep:7/20 train_loss:2.5 train_time:7ms\n",
        "UserWarning: x\n  warnings.warn(7/20 train_loss: 2.5 train_time: 0.1m tok/s: 9\n",
    ],
)
def test_glued_lines_are_parted(text: str) -> None:
    live = live_of(text)
    last = live.points()[-1]
    assert (last.step, last.loss) == (7, 2.5)
    assert live.progress()[1].startswith("step 7/20, loss 2.5")


@pytest.mark.parametrize("line", ["step:7/20 train_loss: 2.5 train_time: 7ms", "7/20 train_loss: 2.5"])
def test_a_line_is_not_parted_within_its_own_form(line: str) -> None:
    assert [point.step for point in live_of(f"{line}\n").points()] == [7]
    assert live_of(f"other_{line}\nmicro:{line}\n").points() == []


@pytest.mark.parametrize(
    "text",
    [
        "  warnings.warn(message)final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
        "final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001[rank1]:[W1130 12:00:01 a.cpp:1] Warning\n",
        "final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001W1130 12:00:01 a.cpp:1] Warning\n",
        "[2026-11-30 12:00:01,123] INFO: final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\r\n",
        "[12:00:01] final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
        "1764504001 final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
        "[rank0]: 1764504001.25 final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
        "50%|#####\r100%|#####\rfinal_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
        "\xff\xfe final words\nfinal_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n",
    ],
)
def test_prefixes_and_other_processes_words_hide_no_metric(text: str) -> None:
    live = LiveLog("final_int8_zlib_roundtrip_exact")
    live.feed(OUTPUT, text.encode("latin-1"))
    assert live.metric().value == 1.25000001


def test_the_curve_of_a_long_training_is_thinned_evenly() -> None:
    steps, live = 3 * MAX_POINTS, LiveLog()
    for start in range(0, steps, 100):
        lines = (f"step:{n}/{steps} train_loss:2.0 train_time:{n}000ms\n" for n in range(start, start + 100))
        live.feed(OUTPUT, "".join(lines).encode())
    points = live.points()
    assert [point.step for point in points] == list(range(0, steps, 4))
    first, *_ = map(json.loads, live.metrics().decode().splitlines())
    assert first == {"step": 0, "loss": 2.0, "seconds": 0.0}


def test_of_very_many_lines_that_come_at_once_some_and_the_last_are_read_and_every_other_one() -> None:
    steps = 10 * MOST_ALIKE
    lines = [f"step:{n}/{steps} train_loss:2.0 train_time:{n}000ms\n" for n in range(1, steps + 1)]
    lines.insert(steps // 3, "final_int8_zlib_roundtrip_exact val_loss:2.0 val_bpb:1.25000001\n")
    live = live_of("".join(lines), "final_int8_zlib_roundtrip_exact")
    assert live.metric().value == 1.25000001
    assert (live.log().steps, live.log().train_seconds) == (steps, 1.0 * steps)
    points = live.points()
    assert (points[0].step, points[-1].step) == (1, steps)
    assert SOME_ALIKE <= len(points) <= SOME_ALIKE + 2
    assert live.nan is None
    lines.insert(steps // 2, f"step:{steps // 2}/{steps} train_loss:nan train_time:1000ms\n")
    assert live_of("".join(lines)).nan == lines[steps // 2].strip()


def test_a_training_that_prints_validations_alone_has_a_curve() -> None:
    live = live_of("step:0/9 val_loss:9.0 train_time:0ms\nstep:9/9 val_loss:3.3 train_time:90ms step_avg:10ms\n")
    assert [point.loss for point in live.points()] == [9.0, 3.3]


PUBLIC = Path(__file__).parents[4] / "shared" / "records"


@pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"public logs lie beside the project, in CI too: no {PUBLIC}")
def test_public_logs_give_the_same_live() -> None:
    assert compare_folder(PUBLIC, pieces=50) == []
