"""Small logs in both forms in which scripts of the challenge print their training, each with its script's source."""

from dataclasses import replace

from jobs.logs import Log, parse

SOURCE = '''"""Train a small model.

quantized val_bpb: 1.0500 is what the last version reached.
"""
import math, os
from pathlib import Path

class Hyperparameters:
    seed = int(os.environ.get("SEED", 1337))

def report(step, loss):
    log0(f"step:{step}/{total} train_loss:{loss:.4f}")
'''
RULER = "=" * 100 + "\n"

MILLISECONDS = (
    SOURCE
    + RULER
    + "Running Python 3.12\nworld_size:8 grad_accum_steps:1\nmax_wallclock_seconds:600.000\nseed:7\nwarmup_step:1/20\n"
    + "step:0/2000 val_loss:6.9357 val_bpb:4.1077 train_time:0ms step_avg:0.02ms\n"
    + "".join(
        f"step:{step}/2000 train_loss:{7 - step / 250:.4f} train_time:{step * 400}ms step_avg:400.00ms\n"
        for step in (1, 2, 200, 400, 600, 800, 1000, 1200, 1400)
    )
    + "step:1500/2000 val_loss:2.0723 val_bpb:1.2273 train_time:600010ms step_avg:400.01ms\n"
    + "stopping_early: wallclock_cap train_time:600010ms step:1500/2000\n"
    + "pre_quant_eval val_loss:2.0710 val_bpb:1.2266 eval_time:4000ms\n"
    + "Serialized model: 67000000 bytes\nCode size: 50000 bytes\n"
    + "Serialized model int8+zlib: 15000000 bytes (payload:17)\nTotal submission size int8+zlib: 15050000 bytes\n"
    + "final_int8_zlib_roundtrip val_loss:2.0780 val_bpb:1.2307 eval_time:5000ms\n"
    + "final_int8_zlib_roundtrip_exact val_loss:2.07801234 val_bpb:1.23074321\n"
    + "".join(f"  sliding_eval [ {share:.1f}%] {share}/100 windows running_bpb=1.21\n" for share in (0, 25, 50, 75))
    + "final_sliding_window_exact val_loss:2.04401234 val_bpb:1.21060012 eval_time:90000ms\n"
    + "".join(f"ttt_chunk [{chunk}/40] bpb=1.19 time={chunk}.0s\n" for chunk in (1, 11, 21, 31, 40))
    + "legal_ttt val_loss:2.0101 val_bpb:1.1905 eval_time:300000ms\n"
    + "legal_ttt_exact val_loss:2.01012345 val_bpb:1.19051234\n"
)
"""Ends early; scores of all four kinds."""

MINUTES = (
    SOURCE
    + RULER
    + "Hyperparameters:\n  iterations: 2000\n  max_wallclock_seconds: 600.0\n  seed: 42\n  world_size: 8\n"
    + "gptq:reserving 10s, effective=590000ms\n"
    + "0/2000 val_loss: 9.0091 val_bpb: 3.4876\n"
    + "".join(
        f"{step}/2000 train_loss: {9 - step / 250:.4f} train_time: {step * 0.4 / 60:.1f}m tok/s: 8100000\n"
        for step in (1, 2, 500, 1000, 1250)
    )
    + "1475/2000 val_loss: 2.8000 val_bpb: 1.0840\n"
    + "stopping_early: wallclock_cap train_time: 590040ms step: 1475/2000\n"
    + "diagnostic pre-quantization post-ema val_loss:2.79000000 val_bpb:1.08010000 eval_time:6000ms\n"
    + "Serialized model: 135000000 bytes\n"
    + "Code size (uncompressed): 120000 bytes\nCode size (compressed): 30000 bytes\n"
    + "GPTQ:collecting Hessians from calibration data...\n"
    + "Serialized model quantized+brotli: 15900000 bytes\nTotal submission size quantized+brotli: 15930000 bytes\n"
    + "diagnostic quantized val_loss:2.81000000 val_bpb:1.08900000 eval_time:9000ms\n"
    + "ttt_phased: total_docs:50000 prefix_docs:2000 suffix_docs:48000 num_phases:2 boundaries:[1000, 2000]\n"
    + "ttp: b775/80 bl:2.2 bb:1.05 rl:2.2 rb:1.05 dl:1-2 gd:0\n"
    + "ttpp: phase:1/2 pd:1104 gd:1000 t:218.0s\ntttg: c1/111 lr:0.001000 t:2.7s\ntttg: c111/111 lr:0.0 t:12.7s\n"
    + "ttpp: phase:2/2 pd:2448 gd:2000 t:384.3s\n"
    + "".join(f"ttp: b{batch}/80 bl:2.2 bb:1.05 rl:2.2 rb:1.05 dl:1-2 gd:1\n" for batch in (70, 62, 41, 55, 9))
    + "quantized_ttt_phased val_loss:2.78000000 val_bpb:1.07600000 eval_time:519500ms\n"
    + "total_eval_time:519.5s\n"
)
"""Ends early, by the limit less what is kept for quantization; adapts in phases."""


def read_lines(*lines: str) -> Log:
    """What these lines say, alone and among lines that say nothing."""
    log = parse(line.encode() + b"\n" for line in lines)
    filler = b"some words which are of no form that anybody knows\n" * 20
    among = parse([filler + b"".join(line.encode() + b"\n" + filler for line in lines)])
    assert replace(among, digest=log.digest) == log
    return log
