"""A sweep and a store whose jobs a made-up worker plays in any order, with results that follow from their settings."""

import hashlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from golf.score import LN2
from jobs.spec import Job, Machine
from jobs.store import JobRecord, Store, TrialRecord
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.driver.trials import search_digest
from sweeps.spec.dataset import DataSet
from sweeps.spec.file import SweepSpec, parse_sweep

MACHINE = Machine(device="cpu", dtype="float32", torch="2.13", attention="sdpa", processes=1, threads=1)
DATA = DataSet(
    tokens=Path("/tokens"), tokenizer=Path("/tokenizer"), train_digest="t" * 64, val_digest="v" * 64,
    tokenizer_digest="k" * 64, vocab_size=1024, tuning_documents=16, val_documents=10,
)  # fmt: skip
SEARCHED, PROMOTED = 4, 6
"""Tuning documents of a trial, and of its promotion."""
SEARCH: dict[str, Any] = {
    "trials": 8,
    "parallel": 3,
    "documents": SEARCHED,
    "promote": {"top": 3, "documents": PROMOTED},
    "space": {"eval.lr": {"low": 1e-4, "high": 1e-1, "log": True}, "eval.epochs": {"low": 1, "high": 3}},
    "first": [{"eval": {"lr": 0.05}}],
}
FILE: dict[str, Any] = {
    "name": "made-up",
    "data": {"tokens": "demo"},
    "recipe": {"train": {"gpus": 2, "steps": 9}, "eval": {"gpus": 1}},
    "seeds": {"tune": [1, 2], "confirm": [3, 4]},
    "arm": [{"name": "base", "baseline": True}, {"name": "none", "eval": {"preset": "none"}, "seeds": [3]}],
    "search": SEARCH,
    "confirm": {"top": 1},
}

Fails = Callable[[Job], bool]


def spec_of(**changes: Any) -> SweepSpec:
    file: dict[str, Any] = {**FILE, **changes}
    return parse_sweep({name: value for name, value in file.items() if value is not None}, "test")


def searching(**changes: Any) -> SweepSpec:
    return spec_of(search={**SEARCH, **changes})


def bpb_of(job: Job) -> float:
    """A valley at lr = 0.003; promotion finds the opposite, so that it reorders what the search found."""
    config, sign = job.settings["eval"], -1 if job.settings["documents"]["count"] == PROMOTED else 1
    valley = 0.02 * math.log(config["lr"] / 0.003) ** 2 + 0.01 * config["epochs"]
    return float(2.0 + sign * valley + 0.001 * job.seed)


def outputs_of(job: Job) -> Mapping[str, Any]:
    if job.stage == "eval":
        return {"nll": bpb_of(job) * LN2 * 1000, "bytes": 1000}
    digest = hashlib.sha256(job.key.encode()).hexdigest()
    return {"weights": digest} if job.stage == "train" else {"artifact": digest}


@dataclass
class World:
    """A store, and workers that take jobs from it and end them in an order of chance."""

    spec: SweepSpec
    store: Store
    workers: int = 3
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    fails: Fails = lambda job: False
    outputs: Callable[[Job], Mapping[str, Any]] = outputs_of
    """What a job that ends well has made."""
    resolve: Callable[[SweepSpec], Sweep] = lambda spec: Sweep(spec=spec, data=DATA, machine=MACHINE)
    fresh: bool = False
    """Whether every second look is a new driver's: the one between sees what came of all that it asked for again."""
    looks: int = 0
    running: list[tuple[JobRecord, int]] = field(default_factory=list)
    ended: list[JobRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sweep = self.resolve(self.spec)
        self.store.put_sweep(self.spec.name, self.sweep.to_json())
        self.driver = self.sweep.driver(self.store)

    def look(self) -> Snapshot:
        self.looks += 1
        if self.fresh and self.looks % 2:
            self.driver = self.sweep.driver(self.store)
        return self.driver.step()

    def work(self) -> None:
        """Fill the workers up, then end one job."""
        self.store.beat("worker")
        for job in self.store.claim("worker", self.workers - len(self.running)):
            facts: dict[str, Any] = {"host": "here", "workdir": "/", "versions": {}, "commit": None}
            self.running.append((job, self.store.start_attempt(job.key, "worker", **facts)))
        assert self.running, "the sweep waits for a job that nobody ordered"
        job, attempt = self.running.pop(self.chance.randrange(len(self.running)))
        self.ended.append(job)
        if self.fails(job.order.job):
            self.store.fail(job.key, attempt, "made to fail", counted=True, final=True)
        else:
            outputs = self.outputs(job.order.job)
            sizes = {value: 1 for value in outputs.values() if isinstance(value, str)}
            self.store.finish(job.key, attempt, outputs, seconds=1.0, peak_bytes=None, sizes=sizes)

    def play(self, most: int = 200) -> Snapshot:
        """To the end."""
        for _ in range(most):
            snapshot = self.look()
            if snapshot.done:
                return snapshot
            self.work()
        raise AssertionError("the sweep does not end")

    def trials(self) -> dict[int, TrialRecord]:
        identity = search_digest(self.spec, self.sweep.orders()) if self.spec.search else ""
        return {trial.number: trial for trial in self.store.trials(self.spec.name, identity)}

    def result(self) -> dict[str, Any]:
        """Everything that a sweep leaves."""
        rows = {(chain.entry, chain.measurement.seed): chain.value for chain in self.driver.confirmed()}
        keys = {job.key: (job.state, job.order.label) for job in self.store.jobs()}
        return {"rows": rows, "trials": self.trials(), "keys": keys}
