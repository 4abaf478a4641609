"""Small record folders in the form of the public ones: their own words and numbers, one era or one trap each."""

import json
from pathlib import Path
from typing import Any


def first_era(seed: int = 7, bpb: str = "1.20010000", **changes: Any) -> str:
    """A log of the first weeks: one roundtrip line, rounded and exact."""
    facts = {"train_ms": 599_900, "steps": 9_000, "model": 15_000_000, "code": 50_000, "eval_ms": 1_500} | changes
    return "\n".join(
        [
            "val_loader:shards pattern=./data/datasets/fineweb10B_sp1024/fineweb_val_*.bin tokens:62021632",
            "model_params:17000000",
            "train_batch_tokens:524288 train_seq_len:1024 iterations:20000 warmup_steps:20",
            f"seed:{seed}",
            "step:0/20000 val_loss:6.9000 val_bpb:4.1000 train_time:0ms step_avg:0.01ms",
            f"step:{facts['steps']}/20000 val_loss:2.0300 val_bpb:1.1990 train_time:{facts['train_ms']}ms",
            f"stopping_early: wallclock_cap train_time:{facts['train_ms']}ms step:{facts['steps']}/20000",
            "Serialized model: 67000000 bytes",
            f"Code size: {facts['code']} bytes",
            f"Total submission size: {67_000_000 + facts['code']} bytes",
            f"Serialized model int8+zlib: {facts['model']} bytes (payload:17000000)",
            f"Total submission size int8+zlib: {facts['model'] + facts['code']} bytes",
            f"final_int8_zlib_roundtrip val_loss:2.0264 val_bpb:{bpb[:6]} eval_time:{facts['eval_ms']}ms",
            f"final_int8_zlib_roundtrip_exact val_loss:2.02640000 val_bpb:{bpb}",
        ]
    )


def sliding_era(seed: int = 7, bpb: str = "1.15010000") -> str:
    """Roundtrip, then overlapping windows under two names."""
    return "\n".join(
        [
            f"seed:{seed}",
            "DIAGNOSTIC post_ema val_loss:1.9700 val_bpb:1.1650 eval_time:2000ms",
            "stopping_early: wallclock_cap train_time:599000ms step:7000/20000",
            "Code size: 60000 bytes",
            "Serialized model int6+zstd: 15500000 bytes",
            "Total submission size int6+zstd: 15560000 bytes",
            "final_int6_roundtrip val_loss:1.9900 val_bpb:1.1800 eval_time:6000ms",
            "final_int6_roundtrip_exact val_loss:1.99000000 val_bpb:1.18000000",
            f"final_int6_sliding_window val_loss:1.9400 val_bpb:{bpb[:6]} stride:64 eval_time:80000ms",
            f"final_int6_sliding_window_exact val_loss:1.94000000 val_bpb:{bpb}",
            f"final_int8_zlib_roundtrip_exact val_loss:1.94000000 val_bpb:{bpb}",
        ]
    )


def phased_era(seed: int = 7, bpb: str = "1.06010000", stamped: bool = True, documents: int = 50_000) -> str:
    """The last weeks: a dump of settings, code counted twice, adaptation at test time; every line stamped."""
    lines = [
        "Hyperparameters:",
        f"  seed: {seed}",
        "  max_wallclock_seconds: 600.0",
        "  val_doc_fraction: 1.0",
        "val_tokens: 40540160",
        "model_params:35900000",
        "5000/20000 val_loss: 2.7700 val_bpb: 1.0723",
        "stopping_early: wallclock_cap train_time: 596123ms step: 5000/20000",
        "diagnostic pre-quantization post-ema val_loss:2.76000000 val_bpb:1.06850000 eval_time:6000ms",
        "Code size (uncompressed): 130000 bytes",
        "Code size (compressed): 28000 bytes",
        "Serialized model quantized+brotli: 15940000 bytes",
        "Total submission size quantized+brotli: 15968000 bytes",
        "diagnostic quantized val_loss:2.79000000 val_bpb:1.08010000 eval_time:10000ms",
        "ttt_lora:compile warmup done (110.5s)",
        f"ttt_phased: total_docs:{documents} prefix_docs:2000 suffix_docs:48000",
        f"quantized_ttt_phased val_loss:2.73900000 val_bpb:{bpb} eval_time:500104ms",
        "total_eval_time:500.1s",
    ]
    stamps = [f"{1_776_000_000 + 70 * number}.125 " if stamped else "" for number in range(len(lines))]
    return "\n".join(stamp + line for stamp, line in zip(stamps, lines, strict=True))


def closed_era(seed: int = 7, bpb: str = "0.56010000") -> str:
    """Several epochs over every document and a scaled loss, as the closed entries printed it."""
    return first_era(seed) + "\n".join(
        [
            "",
            "V10:ttt_time_limit ttt_rank:8 lm:16 lr:0.01 cos:True bias:True ep:8 temp:0.98",
            f"final_ttt_lora val_loss:0.9458 val_bpb:{bpb[:6]} eval_time:590000ms lora_rank:8",
            f"final_ttt_lora_exact val_loss:0.94580000 val_bpb:{bpb}",
        ]
    )


def write(root: Path, submission: Any = None, **logs: str) -> Path:
    """A record folder; a log's file name is its keyword, "__" for a slash, ".log" added."""
    root.mkdir(parents=True, exist_ok=True)
    if submission is not None:
        (root / "submission.json").write_text(submission if isinstance(submission, str) else json.dumps(submission))
    for name, text in logs.items():
        path = root / (name.replace("__", "/") + ".log")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root
