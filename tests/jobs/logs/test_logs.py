"""Public log lines: one of every era, what each is read as, and noise that must never do harm."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.logs import ScoreStage, agree, parse, stage_of
from tests.jobs.logs.samples import read_lines as log_of

MINIATURE = b"""seed:7
step:10/20 val_loss:2.1000 val_bpb:1.2400 train_time:600000ms step_avg:60.00ms
stopping_early: wallclock_cap train_time:600010ms step:10/20
Serialized model: 67000000 bytes
Code size: 50000 bytes
Serialized model int8+zlib: 15000000 bytes (payload:17)
Total submission size int8+zlib: 15050000 bytes
final_int8_zlib_roundtrip val_loss:2.0264 val_bpb:1.2001 eval_time:1500ms
final_int8_zlib_roundtrip_exact val_loss:2.02640000 val_bpb:1.20010000
"""


@pytest.mark.parametrize(
    ("line", "name", "stage", "bpb", "seconds"),
    [
        ("final_int8_zlib_roundtrip val_loss:2.0 val_bpb:1.2345 eval_time:1400ms",
         "final_int8_zlib_roundtrip", "roundtrip", "1.2345", 1.4),
        ("final_int6_roundtrip_exact val_loss:2.00000000 val_bpb:1.18908459",
         "final_int6_roundtrip", "roundtrip", "1.18908459", None),
        ("final_sliding_window_eval_exact stride:64 val_loss:1.95 val_bpb:1.15555486",
         "final_sliding_window_eval", "sliding", "1.15555486", None),
        ("final_int6_sliding_window val_loss:1.9 val_bpb:1.1307 stride:64 eval_time:85703ms",
         "final_int6_sliding_window", "sliding", "1.1307", 85.703),
        ("final_int8_zlib_roundtrip_exact sliding val_loss:2.02 sliding val_bpb:1.19709881",
         "final_int8_zlib_roundtrip sliding", "sliding", "1.19709881", None),
        ("final_sliding val_loss:2.9027 val_bpb:1.1239 (stride=16, T=0.90) time:768782ms",
         "final_sliding", "sliding", "1.1239", 768.782),
        ("final_ttt_lora_exact val_loss:0.96 val_bpb:0.57114136", "final_ttt_lora", "adapted", "0.57114136", None),
        ("legal_ttt_exact val_loss:2.79 val_bpb:1.08209788 eval_time:293430ms",
         "legal_ttt", "adapted", "1.08209788", 293.43),
        ("ttt_sliding:done val_loss=2.795171 val_bpb=1.082098 elapsed=293.2s",
         "ttt_sliding:done", "adapted", "1.082098", 293.2),
        ("quantized_ttt_lora val_loss:2.77 val_bpb:1.07258208 eval_time:338190ms",
         "quantized_ttt_lora", "adapted", "1.07258208", 338.19),
        ("1776142348.135 quantized_ttt_phased val_loss:2.76 val_bpb:1.07216564 eval_time:500104ms",
         "quantized_ttt_phased", "adapted", "1.07216564", 500.104),
        ("final_int8_zlib_roundtrip val_loss:2.9636 val_bpb:1.1473 eval_mode:online_ttt eval_time:0ms",
         "final_int8_zlib_roundtrip", "adapted", "1.1473", None),
        ("quantized_sliding_window val_loss:2.79 val_bpb:1.08300961 eval_time:82837ms",
         "quantized_sliding_window", "sliding", "1.08300961", 82.837),
        ("diagnostic quantized val_loss:2.79 val_bpb:1.08324876 eval_time:45933ms",
         "diagnostic quantized", "roundtrip", "1.08324876", 45.933),
        ("diagnostic pre-quantization post-ema val_loss:2.76 val_bpb:1.07184400 eval_time:5993ms",
         "diagnostic pre-quantization post-ema", "trained", "1.07184400", 5.993),
        ("DIAGNOSTIC post_ema val_loss:1.9155 val_bpb:1.1344 eval_time:2059ms",
         "DIAGNOSTIC post_ema", "trained", "1.1344", 2.059),
        ("pre_quant_eval_exact val_loss:1.97 val_bpb:1.16811649", "pre_quant_eval", "trained", "1.16811649", None),
        ("  own_protocol val_loss:4.16 val_bpb:2.46464931", "own_protocol", "roundtrip", "2.46464931", None),
        ("[rank0]:final_int6_sliding_window val_loss:1.9 val_bpb:1.1307", "final_int6_sliding_window", "sliding",
         "1.1307", None),
        ("\x1b[1;32mlegal_ttt\x1b[0m val_loss:2.79 val_bpb:1.0820", "legal_ttt", "adapted", "1.0820", None),
        ("chunk 3/9\rchunk 9/9\rlegal_ttt val_loss:2.79 val_bpb:1.0820", "legal_ttt", "adapted", "1.0820", None),
        ("ttt_val_loss:1.9009 ttt_val_bpb:1.1258 ttt_time:343000ms", "ttt", "adapted", "1.1258", 343.0),
        ("final_int6_causal_backoff_exact val_bpb:0.39421265", "final_int6_causal_backoff", "adapted", "0.39421265",
         None),
        ("quantized_ttt val_bpb:1.08122000 eval_time:343000ms", "quantized_ttt", "adapted", "1.08122000", 343.0),
        ("post-prequant-ttt val_loss:2.79 val_bpb:1.0812", "post-prequant-ttt", "trained", "1.0812", None),
        ("final_mdlm val_var_loss:1.9 val_var_bpb:1.1465", "final_mdlm", "roundtrip", "1.1465", None),
    ],
)  # fmt: skip
def test_metric_lines(line: str, name: str, stage: ScoreStage, bpb: str, seconds: float | None) -> None:
    (score,) = log_of(line).scores
    assert (score.name, score.stage, str(score.bpb), score.seconds) == (name, stage, bpb, seconds)


@pytest.mark.parametrize(
    ("line", "tokenizer"),
    [
        (
            "val_bpb:enabled tokenizer_kind=sentencepiece tokenizer_path=./data/fineweb_1024_bpe.model",
            "fineweb_1024_bpe.model",
        ),
        ("  tokenizer_path: C:\\data\\fineweb_8192_bpe.model", "fineweb_8192_bpe.model"),
        ("{'seed': 7, 'tokenizer_path': 'data/own.model', 'lr': 0.1}", "own.model"),
        ("tokenizer_path=data/", None),
        ("tokenizer_path=data/$NAME.model", None),
    ],
)
def test_the_tokenizer_is_its_files_name(line: str, tokenizer: str | None) -> None:
    assert log_of(line).tokenizer == tokenizer


@pytest.mark.parametrize(
    "line",
    [
        "step:7/20 val_loss:2.0 val_bpb:1.2 train_time:7ms",
        "4000/20000 val_loss: 2.6414 val_bpb: 1.1479",
        'log0(f"final_ttt_exact val_loss:{loss:.8f} val_bpb:{bpb:.8f}")',
        "val_bpb:enabled tokenizer_kind=sentencepiece",
        "ttt_progress: batch 778/782 batch_loss:2.7837 batch_bpb:1.1136",
        "final val_loss:nan val_bpb:nan",
        "final val_loss:2.0 val_bpb:0.0000",
        "ttt_chunk 3/1893 val_bpb:1.1136",
        "a_val_loss:2.0 b_val_bpb:1.2",
        "legal_ttt_exact val_bpb:nan",
        "final val_loss:2.0 val_bpb:1.2e9",
        "final val_loss:2.0 val_bpb:-1.2",
    ],
)
def test_what_is_no_metric_line(line: str) -> None:
    assert log_of(line).scores == []


@pytest.mark.parametrize(
    ("lines", "facts"),
    [
        (["seed:1337"], {"seeds": [1337]}),
        (["  seed: 42"], {"seeds": [42]}),
        (["lr:embed=0.035 matrix=0.025 wall:600s seed:42"], {"seeds": [42]}),
        (["iterations=10000 seed=42 vocab_size=256"], {"seeds": [42]}),
        (["params:106154616 L:15 d:768 ws:8 ga:1 s:42"], {"seeds": [42]}),
        (["seed = int(os.environ.get('SEED', 1337))", "generator.manual_seed(seed=3)", "data_seed=4"], {"seeds": []}),
        (["seed:1", "seed:2"], {"seeds": [1, 2]}),
        (["Code size (uncompressed): 121884 bytes", "Code size (compressed): 27310 bytes"],
         {"raw_code_bytes": 121884, "code_bytes": 27310}),
        (["Code size: 50 bytes", "Serialized model: 900 bytes", "Total submission size: 950 bytes"],
         {"model_bytes": None, "total_bytes": None, "code_bytes": 50}),
        (["Code size: 50 bytes", "Serialized model rdquant+zstd: 700 bytes", "Total submission size: 750 bytes"],
         {"model_bytes": 700, "total_bytes": 750}),
        (["artifact:15.88MB binary:1(15B) fp:1(1B) code:78442", "budget:15958791/16000000 (15.96/16.00MB) FITS"],
         {"model_bytes": 15880349, "total_bytes": 15958791, "code_bytes": 78442}),
        (["stopping_early: wallclock_cap train_time: 588035ms step: 5082/20000"],
         {"steps": 5082, "train_seconds": 588.035, "runs": 1}),
        (["step:50000/50000 loss:3.0994 t:7763153ms avg:155.3ms"], {"steps": 50000, "train_seconds": 7763.153}),
        (["ttt_lora:compile warmup done (122.0s)", "total_eval_time:338.2s"],
         {"clocks": {"eval.compile": 122.0, "eval.total": 338.2}}),
        (["phase:train wall_ms:710588 steps:6137", "phase:TOTAL wall_ms:1665109 (27.8 min)"],
         {"clocks": {"train.process": 710.588, "process": 1665.109}}),
        (["1776142348.125 a", "1776144156.625 b"], {"clocks": {"log": 1808.5}}),
        (["V10:ttt_time_limit ttt_rank:8 lm:16 lr:0.01 ep:8 temp:0.98"], {"factor": 0.98, "epochs": 8}),
        (["TTT_MIN_NLL=1"], {"min_nll": True}),
        (["TTT_MIN_NLL=0"], {"min_nll": False}),
        (["val_doc_fraction: 0.1", "ttt_lora:docs:5000 rank:96"], {"document_fraction": 0.1, "documents": 5000}),
    ],
)  # fmt: skip
def test_facts(lines: list[str], facts: dict[str, Any]) -> None:
    log = log_of(*lines)
    assert {name: getattr(log, name) for name in facts} == facts


def test_a_whole_log() -> None:
    log = parse(MINIATURE.splitlines(keepends=True))
    assert log.of_stage("roundtrip")[0].seconds == 1.5
    assert str(log.of_stage("roundtrip")[0].bpb) == "1.20010000"
    assert (log.train_seconds, log.steps, log.total_bytes, log.validation) == (
        600.01,
        10,
        15_050_000,
        Decimal("1.2400"),
    )
    assert log.is_log
    assert not parse([b"torch\n", b"numpy>=2\n"]).is_log


def test_post_quant_is_not_pre_quant() -> None:
    assert stage_of("post_quant_eval") == "roundtrip"
    assert stage_of("pre_quant_eval") == "trained"


def test_numbers_agree_to_the_digits_of_the_shorter() -> None:
    assert agree(Decimal("1.1929"), Decimal("1.19287"))
    assert agree(Decimal("1.08100"), Decimal("1.0810028767"))
    assert not agree(Decimal("1.1929"), Decimal("1.1930"))
    assert not agree(Decimal("1.08100"), Decimal("1.08079352"))


@given(cut=st.integers(0, len(MINIATURE)), noise=st.binary(max_size=200), at=st.integers(0, len(MINIATURE)))
def test_truncation_and_noise_never_raise(cut: int, noise: bytes, at: int) -> None:
    text = MINIATURE[:at] + noise + MINIATURE[at:]
    parse([text[:cut]])


@given(
    st.lists(st.sampled_from([*MINIATURE.split(), b"=", b":", b" ", b"\xff", b"\n", b"9" * 400, b"e9"]), max_size=60)
)
def test_shuffled_words_never_raise(words: list[bytes]) -> None:
    log = parse([b" ".join(words)])
    assert all(score.bpb.is_finite() for score in log.scores)
