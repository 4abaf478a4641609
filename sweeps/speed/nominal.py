"""What is guessed of a machine where nothing was measured: figures of processors, and usual shares of their peak.

The figures of an H100 are those of the contest's logs: a step of 98,304 tokens of PR 611's model takes about 90 ms, and
the work of one shard of an evaluation some seconds. A guess may be off by a factor of three.
"""

import time
from dataclasses import replace

import torch

from jobs.spec import Job
from jobs.stages.audit import AUDIT
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from sweeps.speed.samples import Speed

CORE_FLOPS = 50e9
"""Operations per second of a matrix product on one core, where none was timed."""
CORE_SHARE = {TRAIN.name: 0.25, QUANTIZE.name: 0.15, EVALUATE.name: 0.3}
"""Share of that which the work of a stage reaches with a small model."""
GPU_FLOPS = {TRAIN.name: 200e12, QUANTIZE.name: 150e12, EVALUATE.name: 100e12}
"""Operations per second that the work of a stage reaches on an H100."""
GPU_SPEED = {"H100": 1.0, "H200": 1.0, "B200": 2.0, "A100": 0.35, "L40S": 0.35, "4090": 0.2, "A10": 0.12, "T4": 0.06}
"""Speed of other GPUs in bfloat16, by a part of their names; an unknown one counts as an A100."""
WEIGHTS_PER_SECOND = 5e7
"""Weights that are quantized and packed."""
START_SECONDS = {"cpu": {True: 6.0, False: 0.2}, "cuda": {True: 60.0, False: 5.0}}
"""What a job takes beside its work, by device and whether it is a gang: on a GPU, graphs are compiled first."""
WORKER_SECONDS = {"cpu": 2.0, "cuda": 20.0}
"""Start of a worker's process."""
AUDIT_SHARE, AUDIT_SECONDS = 2.0, 3.0
"""An audit's time beside its budget, which counts only part of its calls."""
USUAL_CORE = 90e9
"""Speed of the core on which these seconds were taken; a slower or busier one takes longer in proportion."""
SIDE, TIMED_SECONDS = 512, 0.2


def core_flops() -> float:
    """Operations per second of a matrix product on one core of this machine, timed for about a third of a second."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        a, b = torch.randn(SIDE, SIDE), torch.randn(SIDE, SIDE)
        a @ b  # the first product allocates
        products, started = 0, time.perf_counter()
        while (spent := time.perf_counter() - started) < TIMED_SECONDS:
            a @ b
            products += 1
        return 2.0 * SIDE**3 * products / spent
    finally:
        torch.set_num_threads(threads)


def with_core(speed: Speed, device: str) -> Speed:
    """What is known of this machine, with the speed of a core, which is timed where a CPU's is not known yet."""
    if speed.core_flops is not None or device.startswith("cuda"):
        return speed
    return replace(speed, core_flops=core_flops())


def slowness(device: str, speed: Speed) -> float:
    """How much longer than usual processes take to start on a machine, and audits; at least 1."""
    core = None if device.startswith("cuda") else speed.core_flops
    return 1.0 if core is None else max(1.0, USUAL_CORE / core)


def guess_rate(stage: str, device: str, speed: Speed) -> float | None:
    """Operations per second that a slot is guessed to do for a stage; None for stages of which nothing is known."""
    if stage not in GPU_FLOPS:
        return None
    if device.startswith("cuda"):
        factor = next((factor for name, factor in GPU_SPEED.items() if name in device), GPU_SPEED["A100"])
        return GPU_FLOPS[stage] * factor
    return CORE_SHARE[stage] * (speed.core_flops or CORE_FLOPS)


def guess_seconds(job: Job, clock: str, work: float, speed: Speed) -> float | None:
    """What one clock of a job is guessed to show for so much work; None where nothing is known of it."""
    if job.stage == AUDIT.name:
        return (AUDIT_SECONDS + AUDIT_SHARE * work) * slowness(job.machine.device, speed)
    if clock == "quantize_seconds":
        return work / WEIGHTS_PER_SECOND
    rate = guess_rate(job.stage, job.machine.device, speed)
    return work / rate if rate and work else None


def least_rate(job: Job, clock: str, speed: Speed) -> float:
    """Work per second that a clock counts at least once a job is well under way: half of what is usual."""
    if job.stage == AUDIT.name:
        return 1 / AUDIT_SHARE
    if clock == "quantize_seconds":
        return WEIGHTS_PER_SECOND / 2
    return (guess_rate(job.stage, job.machine.device, speed) or 0.0) / 2
