"""eval: the test-time protocol scores an artifact document by document. Its score is what recipes are compared by."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from jobs.events import Event, Finished
from jobs.spec import Job, Order
from jobs.stages.request import Request, Subject, document_settings, text_inputs, text_places
from jobs.stages.stage import ScoringStage, ShardedStage, Source, WorkSizes


class Evaluate(ShardedStage, ScoringStage):
    """Scores documents, in shards."""

    __slots__ = ()

    def request(self, subject: Subject) -> Request:
        documents, data = subject.documents, subject.data
        return Request(
            settings={"eval": subject.recipe["eval"], "documents": document_settings(documents, data)},
            inputs={**subject.inputs, **text_inputs(documents, data)},
            places=text_places(data),
            slots=subject.recipe["eval"]["gpus"],
            awaited=documents.split == "tune",
        )

    def label(self, entry: str | None, seed: int) -> str:
        """An evaluation goes by its entry alone: "base seed 3"."""
        return super().label(None, seed) if entry is None else f"{entry} seed {seed}"

    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        from jobs.stages.work.evaluate import run_eval

        return run_eval(order, inputs, shards)

    def count_shards(self, order: Order, inputs: Mapping[str, bytes]) -> int:
        from jobs.stages.work.evaluate import shards_of

        return shards_of(order, inputs["artifact"])

    def keeps_shards(self, job: Job) -> bool:
        """The whole validation set is scored in one go, so that the clock of its evaluation means what it says."""
        return bool(job.settings["documents"]["split"] != "val")

    def merge(self, shards: Sequence[bytes], parts: Sequence[Finished]) -> Finished:
        """Workers start together: the evaluation took as long as the slowest of them."""
        from jobs.scores import merge_shards

        table, totals = merge_shards(shards)
        clocks = [part.outputs["clocks"] for part in parts]
        slowest = {name: max(clock[name] for clock in clocks) for name in clocks[0]}
        return Finished(outputs={"scores": None, **totals, "clocks": slowest}, files={"scores": table})

    def value_of(self, outputs: Mapping[str, Any]) -> float:
        from golf.score import bits_per_byte

        return bits_per_byte(outputs["nll"], outputs["bytes"])

    def outputs_worth(self, value: float) -> dict[str, Any]:
        from golf.score import LN2

        return {"nll": value * LN2, "bytes": 1}

    def limit_seconds(self, order: Order, sizes: WorkSizes) -> float | None:
        """The limit is meant for the whole validation set: fewer documents take less."""
        if (limit := self.time_limit(order)) is None:
            return None
        every = {"split": "val", "first": 0, "count": None}
        whole_job = replace(order.job, settings={**order.job.settings, "documents": every})
        whole = self.work(replace(order, job=whole_job), "eval_seconds", sizes)
        return limit * min(1.0, self.work(order, "eval_seconds", sizes) / whole) if whole else limit

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """Operations of scoring and adapting, where it is known which model the artifact holds."""
        from golf.model.gpt import ModelConfig
        from golf.ttt.config import EvalConfig
        from jobs.stages.work.settings import scoring_flops, settings_of

        settings, model = order.job.settings, sizes.model(order.job.inputs["artifact"])
        if model is None:
            return 0.0
        config, lengths = settings_of(EvalConfig, settings["eval"]), sizes.lengths(settings["documents"])
        return scoring_flops(lengths, config, settings_of(ModelConfig, model)) / order.slots


EVALUATE = Evaluate(
    name="eval",
    version=3,
    reads={"artifact": Source(stage="quantize", output="artifact")},
    contents=("scores",),
    sections=("eval",),
    clocks=("eval_seconds",),
)
