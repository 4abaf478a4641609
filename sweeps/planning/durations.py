"""What a job takes, from what jobs like it took: seconds = overhead + work / rate.

Work is counted in operations (golf.flops), the weights of a quantization and the budget of an audit as they stand;
the rate is the median of the nearest finished jobs on the job's own clock, and the overhead, everything that is not on
that clock, the median of their kind. An evaluator's first job also waits for its process to start; that shows in a
scheduler's history as its longest overhead.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import median
from typing import Any

from golf.flops import block_weights, document_flops, training_flops
from golf.model.gpt import ModelConfig
from golf.presets import EVAL_PRESETS
from golf.train.training import TrainConfig
from golf.ttt.engine import EvalConfig
from jobs.spec import Job, Order
from jobs.stages.run import settings_of
from jobs.store import JobRecord
from sweeps.planning.nearest import Nearest

PEERS = 9
"""Finished jobs whose rates count, at most: the latest of those that differ in the fewest settings."""


CLOCKS: Mapping[str, Sequence[str]] = {
    "train": ("train_seconds",),
    "quantize": ("quantize_seconds", "loss_seconds"),
    "eval": ("eval_seconds",),
    "audit": ("audit_seconds",),
}
"""What of a job's clocks is its work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Estimate:
    """What a job is expected to take."""

    seconds: float | None
    """On slots whose processes are there already; None where nothing is known."""
    source: str | None
    """"history", or "limit" where only its own time limit is known."""


class Durations:
    """Estimates from finished jobs of one machine class."""

    def __init__(
        self,
        done: Iterable[JobRecord],
        device: str,
        lengths: Callable[[str], Sequence[int]],
        scheduler_of: Mapping[str, str],
    ) -> None:
        """Learn from what is done.

        Args:
            done: finished jobs, oldest first.
            device: the device model that the estimates are for; other devices' jobs say nothing.
            lengths: predictions of every document of a split, "tune" or "val".
            scheduler_of: the scheduler that ran a finished job, by its key.
        """
        self._lengths = lengths
        self._models: dict[str, ModelConfig] = {}
        self._done = [one for one in done if one.seconds is not None and one.order.job.machine.device == device]
        for one in self._done:
            self.learn(one.order.job, one.outputs or {})
        self._nearest = {
            kind: Nearest([one for one in self._done if one.order.job.stage == kind], ignoring=("seed", "inputs"))
            for kind in {one.order.job.stage for one in self._done}
        }
        self._overheads: dict[str, list[float]] = defaultdict(list)
        for one in self._done:
            self._overheads[one.order.job.stage].append(_overhead(one))
        self.start_seconds = self._start_seconds(scheduler_of)

    def learn(self, job: Job, outputs: Mapping[str, Any]) -> None:
        """Remember which model an artifact holds; an evaluation's settings do not say it."""
        if job.stage == "quantize":
            self._models[outputs["artifact"]] = settings_of(ModelConfig, job.settings["model"])

    def of(self, order: Order) -> Estimate:
        """What a job takes."""
        job, nearest = order.job, self._nearest.get(order.job.stage)
        if nearest is None:
            limit = self._limit(order)
            return Estimate(seconds=limit, source=None if limit is None else "limit")
        peers = nearest.alike(job, PEERS)
        own = sum(median(self._scaled(peer, name, order) for peer in peers) for name in CLOCKS[job.stage])
        if job.stage == "train" and (limit := job.settings["train"]["max_seconds"]) is not None:
            own = limit if job.settings["train"]["steps"] is None else min(own, limit)
        return Estimate(seconds=median(self._overheads[job.stage]) + own, source="history")

    def _scaled(self, peer: JobRecord, name: str, order: Order) -> float:
        """What a clock of a finished job would have shown for an order's work; as it did where either is not known."""
        own, work = self._work(peer.order, name), self._work(order, name)
        return _clocks(peer)[name] * (work / own if work and own else 1.0)

    def _limit(self, order: Order) -> float | None:
        """The limit that a job sets itself, which is meant for the whole validation set: fewer documents take less."""
        job = order.job
        if job.stage == "audit":
            return float(job.settings["seconds"])
        limit: float | None = job.settings.get(job.stage, {}).get("max_seconds")
        if limit is None or job.stage != "eval":
            return limit
        every = {"split": "val", "first": 0, "count": None}
        whole_job = replace(job, settings={**job.settings, "documents": every})
        whole = self._work(replace(order, job=whole_job), "eval_seconds")
        return limit * min(1.0, self._work(order, "eval_seconds") / whole) if whole else limit

    def _work(self, order: Order, clock: str) -> float:
        """Rough operations a slot of what a clock counts; 0 where that is not known."""
        settings = order.job.settings
        match clock:
            case "train_seconds":
                return _train_flops(settings_of(TrainConfig, settings["train"])) / order.slots
            case "quantize_seconds":
                return _weights(settings_of(ModelConfig, settings["model"]))
            case "loss_seconds":
                every = self._lengths_of(settings["documents"])
                cut = tuple(min(length, settings["tokens"] or length) for length in every)
                plain = settings_of(EvalConfig, EVAL_PRESETS["none"])
                return _eval_flops(cut, plain, settings_of(ModelConfig, settings["model"]))
            case "eval_seconds":
                model = self._models.get(order.job.inputs["artifact"])
                config, lengths = settings_of(EvalConfig, settings["eval"]), self._lengths_of(settings["documents"])
                return 0.0 if model is None else _eval_flops(lengths, config, model) / order.slots
            case "audit_seconds":
                return float(settings["seconds"])
        return 0.0

    def _lengths_of(self, which: Mapping[str, Any]) -> tuple[int, ...]:
        """Predictions of the documents that a job names."""
        last = None if which["count"] is None else which["first"] + which["count"]
        return tuple(self._lengths(which["split"])[which["first"] : last])

    def _start_seconds(self, scheduler_of: Mapping[str, str]) -> float:
        """Start of an evaluator's process: by how much the longest overhead of a scheduler's history is over others."""
        longest: dict[str, float] = defaultdict(float)
        usual = {kind: median(overheads) for kind, overheads in self._overheads.items()}
        for one in self._done:
            if one.order.job.stage != "train" and one.key in scheduler_of:
                excess = _overhead(one) - usual[one.order.job.stage]
                longest[scheduler_of[one.key]] = max(excess, longest[scheduler_of[one.key]])
        return max(0.0, median(longest.values())) if longest else 0.0


def _clocks(one: JobRecord) -> dict[str, float]:
    """Seconds on a job's own clocks: of the work alone; the whole attempt on the first where it keeps none."""
    assert one.outputs is not None and one.seconds is not None
    clocks, names = one.outputs.get("clocks", {}), CLOCKS[one.order.job.stage]
    if clocks.keys() >= set(names):
        return {name: float(clocks[name]) for name in names}
    return dict.fromkeys(names, 0.0) | {names[0]: one.seconds}


def _overhead(one: JobRecord) -> float:
    assert one.seconds is not None
    return max(0.0, one.seconds - sum(_clocks(one).values()))


def _weights(model: ModelConfig) -> float:
    """Weights of the matrices."""
    return float(model.num_layers * block_weights(model) + model.vocab_size * model.model_dim)


def _train_flops(config: TrainConfig) -> float:
    """Operations of a training; of one step where only the clock ends it."""
    return (config.steps or 1) * config.batch_tokens * training_flops(config.model, config.seq_len)


@lru_cache(maxsize=4096)
def _eval_flops(lengths: tuple[int, ...], config: EvalConfig, model: ModelConfig) -> float:
    return sum(count * document_flops(length, config, model) for length, count in Counter(lengths).items())
