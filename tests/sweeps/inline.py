"""A small sweep on a few documents whose jobs run in this process: everything is real but the training.

Weights are drawn at random from their seed, so that a whole sweep takes a second.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from safetensors.torch import save

from cluster.executor import Node, Opening, Task
from cluster.executors.local import machine_cluster
from cluster.registry import EXECUTORS, ExecutorKind
from golf.data.corpus import DemoData
from golf.data.tokens import read_shard, split_documents
from golf.model.gpt import GPT, ModelConfig
from jobs.events import Event, Failed, Failure, Finished
from jobs.machine import environment
from jobs.spec import Order
from jobs.stages.audit import AUDIT
from jobs.stages.stage import WorkerStage
from jobs.stages.work.settings import settings_of
from jobs.workplace import Workplace
from sweeps.driver.snapshot import Snapshot
from sweeps.run import session
from sweeps.spec.file import SweepSpec, parse_sweep
from tests.in_process import InProcessEvents

KIND = ExecutorKind(summary="this process", open=f"{__name__}:Inline")

MODEL = {
    "num_layers": 2, "model_dim": 16, "num_heads": 2, "num_kv_heads": 1, "mlp_hidden": 24, "bigram_buckets": 64,
    "bigram_dim": 8,
}  # fmt: skip
CUT = {"chunk": 64, "window": 64, "min_document_tokens": 16}
KEPT_TOKENS = 96
"""Of each document."""
_audits: dict[str, Sequence[Event]] = {}


def cut_data(demo: DemoData, folder: Path) -> dict[str, Any]:
    """The beginnings of a few documents of the demo's shards, as a sweep file names data."""
    folder.mkdir()
    for split, count in (("train", 6), ("val", 2)):
        [shard] = demo.tokens.glob(f"*_{split}_*.bin")
        documents = split_documents(read_shard(shard))[:count]
        tokens = np.concatenate([document[:KEPT_TOKENS] for document in documents])
        header = np.zeros(256, np.int32)
        header[:3] = 20240520, 1, len(tokens)
        (folder / shard.name).write_bytes(header.tobytes() + tokens.astype(np.uint16).tobytes())
    return {"tokens": str(folder), "tokenizer": str(demo.tokenizer), "tuning_documents": 2}


def spec_of(data: Mapping[str, Any], **changes: Any) -> SweepSpec:
    """Two arms on two seeds."""
    recipe = {
        "train": {"gpus": 1, "steps": 3, "batch_tokens": 256, "seq_len": 128, "model": MODEL},
        "eval": {"preset": "none", **CUT, "gpus": 1},
    }
    arms = [{"name": "base", "baseline": True}, {"name": "adapted", "eval": {"preset": "score-first", **CUT}}]
    file = {"name": "small", "data": dict(data), "recipe": recipe, "seeds": {"confirm": [3, 4]}, "arm": arms}
    return parse_sweep({**file, "audit": {"seconds": 0.2}, **changes}, "test")


@dataclass
class Record:
    """What the executors of a test have run, and what the test changes."""

    ran: list[str] = field(default_factory=list)
    """Stages of all tasks."""
    before: Callable[[Task], None] = lambda _: None
    """Called when a task begins."""
    number: Callable[[Order], int] = lambda order: order.job.seed
    """What a training's weights follow from; not the seed alone where training is not reproducible."""


class Inline(InProcessEvents):
    """Runs each task to its end as soon as it is started."""

    record = Record()
    cluster = machine_cluster()

    def __init__(self, _: Opening) -> None:
        super().__init__()

    def nodes(self) -> list[Node]:
        return [Node(name="n", host="h", slots=2, machine=environment.machine())]

    def start(self, task: Task) -> None:
        self.add(task.id, self._run(task))

    def _run(self, task: Task) -> Iterator[Event]:
        self.record.ran.append(task.stage.name)
        self.record.before(task)
        if not isinstance(task.stage, WorkerStage):
            yield _train(task.order, self.record.number(task.order))
            return
        try:
            yield from _audit(task) if task.stage is AUDIT else task.stage.run(task.order, task.inputs, task.shards)
        except Exception as error:
            yield Failed(failure=Failure.CRASH, reason=f"{type(error).__name__}: {error}")


def _audit(task: Task) -> Sequence[Event]:
    """The events of an audit, which is half of a sweep's work; it is done once in a process for the same job."""
    if (key := task.order.job.key) not in _audits:
        _audits[key] = tuple(AUDIT.run(task.order, task.inputs, task.shards))
    return _audits[key]


def _train(order: Order, seed: int) -> Finished:
    settings = order.job.settings["train"]
    generator = torch.Generator().manual_seed(seed)
    shapes = GPT(settings_of(ModelConfig, settings["model"])).state_dict()
    weights = {name: 0.1 * torch.randn(tensor.shape, generator=generator) for name, tensor in shapes.items()}
    clocks = {"train_seconds": 1.0, "process_seconds": 2.0}
    files = {
        "weights": save(weights),
        "metrics": b"".join(json.dumps({"step": step, "loss": 5.0 - step}).encode() + b"\n" for step in (1, 2, 3)),
        "log": f"seed {seed}\n".encode(),
    }
    return Finished(outputs={"steps": 3, "resumed": False, "final_loss": 2.0, "clocks": clocks}, files=files)


def run(spec: SweepSpec, place: Workplace, said: list[str] | None = None) -> Snapshot:
    """`golfsweep run` without its output."""
    lines: list[str] = [] if said is None else said
    with patch.dict(EXECUTORS, inline=KIND):
        return session.run(spec, place, executor="inline", show=lambda *_: None, say=lines.append)
