"""quantize: weights become an artifact that fits the challenge's bytes, with what that costs in bits per byte."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.events import Event
from jobs.spec import Job, Order
from jobs.stages.request import DocumentSet, Request, Subject, document_settings, text_inputs, text_places
from jobs.stages.stage import Source, WorkerStage, WorkSizes

COMPARED_DOCUMENTS, COMPARED_TOKENS = 4, 1024
"""Tuning documents, and predictions of each, on which an artifact of a search is compared with its weights."""


class Quantize(WorkerStage):
    """Quantizes and packs weights; measures the loss before and after."""

    __slots__ = ()

    def request(self, subject: Subject) -> Request:
        """The loss is measured on the text that the artifact's entry is scored on; for a search a sample does."""
        confirms, recipe, data = subject.documents.split == "val", subject.recipe, subject.data
        sample = DocumentSet(split="tune", count=min(COMPARED_DOCUMENTS, data.tuning_documents))
        compared = subject.documents if confirms else sample
        return Request(
            settings={
                "quantize": recipe["quantize"],
                "model": recipe["train"]["model"],
                "documents": document_settings(compared, data),
                "tokens": None if confirms else COMPARED_TOKENS,
            },
            inputs={**subject.inputs, **text_inputs(compared, data)},
            places=text_places(data),
        )

    def run(self, order: Order, inputs: Mapping[str, bytes], shards: Sequence[int]) -> Iterator[Event]:
        from jobs.stages.work.quantize import run_quantize

        return run_quantize(order, inputs)

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """Weights of the matrices; operations of the comparison."""
        from golf.flops import block_weights
        from golf.model.gpt import ModelConfig
        from golf.presets import EVAL_PRESETS
        from golf.ttt.config import EvalConfig
        from jobs.stages.work.settings import scoring_flops, settings_of

        settings = order.job.settings
        model = settings_of(ModelConfig, settings["model"])
        if clock == "quantize_seconds":
            return float(model.num_layers * block_weights(model) + model.vocab_size * model.model_dim)
        every = sizes.lengths(settings["documents"])
        cut = tuple(min(length, settings["tokens"] or length) for length in every)
        return scoring_flops(cut, settings_of(EvalConfig, EVAL_PRESETS["none"]), model)

    def models_made(self, job: Job, outputs: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
        return {outputs["artifact"]: job.settings["model"]}


QUANTIZE = Quantize(
    name="quantize",
    version=3,
    reads={"weights": Source(stage="train", output="weights")},
    contents=("artifact",),
    sections=("quantize", "train"),
    clocks=("quantize_seconds", "loss_seconds"),
    usual_seconds=300.0,
)
