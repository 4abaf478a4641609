"""train: a gang makes weights of the training tokens."""

from collections.abc import Mapping
from typing import Any

from jobs.program import Program
from jobs.spec import Job, Order
from jobs.stages.request import Request, Subject
from jobs.stages.stage import GangStage, WorkSizes


class Train(GangStage):
    """Trains a recipe with a seed."""

    __slots__ = ()

    def request(self, subject: Subject) -> Request:
        train, data = subject.recipe["train"], subject.data
        return Request(
            settings={"train": train, "holdout_documents": data.tuning_documents},
            inputs={"tokens": data.train_digest},
            places={"tokens": str(data.tokens)},
            slots=train["gpus"],
        )

    def program(self, order: Order) -> Program:
        from jobs.stages.work.trainer import Trainer

        return Trainer(order)

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """Operations of all steps; of one step where only the clock ends the training."""
        from golf.flops import training_flops
        from jobs.stages.work.settings import train_config

        config = train_config(order)
        steps = (config.steps or 1) * config.batch_tokens
        return steps * training_flops(config.model, config.seq_len) / order.slots

    def bound_seconds(self, job: Job, seconds: float) -> float:
        train: Mapping[str, Any] = job.settings["train"]
        if train["max_seconds"] is None:
            return seconds
        return float(train["max_seconds"]) if train["steps"] is None else min(seconds, train["max_seconds"])


TRAIN = Train(
    name="train",
    version=1,
    contents=("weights", "metrics", "log"),
    intermediate=("weights",),
    shown=("metrics", "log"),
    sections=("train",),
    silence_seconds=300.0,  # it shows every step, and compiling a graph for the first of them takes minutes
    clocks=("train_seconds",),
)
