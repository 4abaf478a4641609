"""Homes with finished sweeps of made-up numbers: the store, its files and the driver are real, the work is not."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from golf.audit import audit
from golf.score import LN2
from jobs.budget import Budget
from jobs.scores import write_table
from jobs.spec import Job, Machine
from jobs.state import SweepState
from jobs.store import Store
from jobs.workplace import Workplace
from sweeps.driver.sweep import Sweep
from sweeps.entries.audits import KEPT_OUTPUTS
from sweeps.run.entries import EntryWriter
from sweeps.spec.dataset import DataSet
from sweeps.spec.file import parse_sweep

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
SIZES = np.array([400, 900, 1500, 2200, 3100, 4000])
"""Bytes of the documents."""
TOKENS = SIZES // 4
JOB_SECONDS = 36.0
"""Of every job, which at $10 an hour costs $0.10."""
Bpb = Callable[[Job], float]


class Clock:
    """Time that passes only where somebody works."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def file(name: str, **changes: Any) -> dict[str, Any]:
    """A sweep of three arms on three seeds, the first of which is the baseline."""
    return {
        "name": name,
        "data": {"tokens": "demo"},
        "recipe": {"train": {"gpus": 2, "steps": 9, "max_seconds": 600}, "eval": {"gpus": 1}},
        "seeds": {"confirm": [3, 4, 5]},
        "arm": [
            {"name": "base", "baseline": True, "eval": {"lr": 0.01}},
            {"name": "none", "eval": {"preset": "none"}},
            {"name": "leak", "eval": {"preset": "chimera-611"}, "seeds": [3]},
        ],
        "budget": {"dollars_per_gpu_hour": 3.0},
        **changes,
    }


def score(job: Job) -> float:
    """Adapting helps, leaking more, and seeds differ by little."""
    gain = {"none": 0.0, "score-first": 0.03, "min-epoch": 0.5}[job.settings["eval"]["protocol"]]
    return 1.2 - gain + 0.001 * math.sin(job.seed) + 0.0002 * math.cos(7 * job.seed + 100 * gain)


def play(
    place: Workplace, source: Mapping[str, Any], bpb: Bpb = score, val_digest: str = "v" * 64, steps: int = 99
) -> Sweep:
    """Run a sweep with made-up results, to its end if that takes no more than so many looks."""
    data = DataSet(
        tokens=Path("/tokens"), tokenizer=Path("/1024.model"), train_digest="t" * 64, val_digest=val_digest,
        tokenizer_digest="k" * 64, vocab_size=1024, tuning_documents=16, val_documents=len(SIZES),
    )  # fmt: skip
    sweep = Sweep(spec=parse_sweep(source, "test"), data=data, machine=MACHINE)
    clock = Clock()
    with closing(Store.open(place.home.database_url, clock)) as store:
        store.put_sweep(sweep.spec.name, sweep.to_json(), Budget(dollars_per_gpu_hour=10.0))
        driver = sweep.driver(store)
        while not driver.step().done and steps > 0:
            steps -= 1
            work(sweep, store, clock, place, bpb)
        EntryWriter(sweep, store, place.files).write()
        store.end_sweep(sweep.spec.name, SweepState.DONE)
    return sweep


def work(sweep: Sweep, store: Store, clock: Clock, place: Workplace, bpb: Bpb = score) -> None:
    """Finish every job that waits in the store."""
    store.beat("worker")
    for job in store.claim("worker", 100):
        facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": "c0ffee"}
        attempt = store.start_attempt(job.key, "worker", sweep=sweep.spec.name, **facts)
        clock.now += JOB_SECONDS
        outputs = _outputs(job.order.job, place, bpb)
        store.finish(job.key, attempt, outputs, seconds=JOB_SECONDS, peak_bytes=None)


@cache
def certificate(leaks: bool) -> bytes:
    """Of a scorer to which all tokens are alike, or of one with a finding more."""
    judged = audit(
        lambda documents: [np.full(document.size - 1, math.log(8)) for document in documents], vocab_size=8, seconds=0.2
    ).to_json()
    if leaks:
        leak = {
            "condition": "C3",
            "document": 0,
            "position": 1,
            "measured": 2.0,
            "detail": "the score knows its target",
        }
        judged |= {"passed": False, "findings": [leak]}
    return json.dumps(judged | {"overlap": []}).encode()


def _outputs(job: Job, place: Workplace, bpb: Bpb) -> dict[str, Any]:
    digest = hashlib.sha256(job.key.encode()).hexdigest()
    if job.stage == "train":
        clocks = {"train_seconds": 590.0, "process_seconds": 640.0}
        metrics = place.files.put(b'{"step": 1, "loss": 3.5}\n{"step": 2, "loss": 3.0}\n')
        return {"weights": digest, "steps": 5000, "resumed": False, "clocks": clocks, "metrics": metrics}
    if job.stage == "quantize":
        ledger = {"model_bytes": 15_900_000, "code_bytes": 70_000}
        loss = {"before": 1.0, "after": 1.01, "tokens": int(TOKENS.sum()), "bytes": int(SIZES.sum())}
        return {"artifact": digest, "ledger": ledger, "loss": loss, "clocks": {"quantize_seconds": 2.0}}
    if job.stage == "audit":
        content = certificate(job.settings["eval"]["protocol"] == "min-epoch")
        return {name: json.loads(content)[name] for name in KEPT_OUTPUTS} | {"certificate": place.files.put(content)}
    wave = 1 + 0.05 * np.sin(np.arange(len(SIZES))) * (bpb(job) - 1)
    nll = wave / (wave * SIZES).sum() * SIZES.sum() * bpb(job) * SIZES * LN2
    table = place.files.put(write_table(range(len(SIZES)), nll, TOKENS, SIZES))
    totals = {"nll": float(nll.sum()), "tokens": int(TOKENS.sum()), "bytes": int(SIZES.sum()), "documents": len(SIZES)}
    return {"scores": table, **totals, "clocks": {"eval_seconds": 300.0, "process_seconds": 310.0}}
