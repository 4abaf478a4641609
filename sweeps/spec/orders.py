"""From a recipe and a seed to the jobs that make its score: train → quantize → eval, and to its audit."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from jobs.spec import ARITHMETIC, Job, Machine, Order
from sweeps.spec.dataset import DataSet
from sweeps.spec.recipe import Recipe

COMPARED_DOCUMENTS, COMPARED_TOKENS = 4, 1024
"""Tuning documents, and predictions of each, on which an artifact that is only searched on is held against its weights.
"""
AUDITED = 512
"""Validation documents that an audit may choose from."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DocumentSet:
    """Which documents an evaluation scores."""

    split: Literal["tune", "val"]
    count: int | None = None
    """The first so many; all where None."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stages:
    """Builds the orders of one sweep: what its jobs share is given once."""

    sweep: str
    priority: int
    data: DataSet
    machine: Machine
    """Machine class of one slot; a job's number of processes is its own."""

    def train(self, recipe: Recipe, seed: int) -> Order:
        """The gang that trains a recipe with a seed."""
        settings = {"train": asdict(recipe.train), "holdout_documents": self.data.tuning_documents}
        job = self._job("train", settings, {"tokens": self.data.train_digest}, seed, recipe.train.gpus)
        places = {"tokens": str(self.data.tokens)}
        return self._order(job, f"train seed {seed}", slots=recipe.train.gpus, places=places)

    def quantize(self, recipe: Recipe, seed: int, weights: str, documents: DocumentSet) -> Order:
        """The job that turns weights (a digest) into an artifact, and says what that costs in bits per byte.

        Measured on the text that the artifact's row is scored on; for a search a sample does.
        """
        confirms = documents.split == "val"
        sample = DocumentSet(split="tune", count=min(COMPARED_DOCUMENTS, self.data.tuning_documents))
        compared = documents if confirms else sample
        settings = {
            "quantize": asdict(recipe.quantize),
            "model": asdict(recipe.train.model),
            "documents": self._documents(compared),
            "tokens": None if confirms else COMPARED_TOKENS,
        }
        job = self._job("quantize", settings, {"weights": weights, **self._read(compared)}, seed, 1)
        return self._order(job, f"quantize seed {seed}", places=self._places())

    def evaluate(self, recipe: Recipe, seed: int, artifact: str, documents: DocumentSet, row: str) -> Order:
        """The evaluation of an artifact (a digest) on documents, under the name of its row or trial."""
        settings = {"eval": asdict(recipe.eval), "documents": self._documents(documents)}
        job = self._job("eval", settings, self._scored(artifact, documents), seed, recipe.eval.gpus)
        awaited = documents.split == "tune"
        places = self._places()
        return self._order(job, f"{row} seed {seed}", slots=recipe.eval.gpus, places=places, awaited=awaited)

    def audit(self, recipe: Recipe, seed: int, artifact: str, seconds: float, row: str) -> Order:
        """The judgment on how a recipe's evaluation scores validation documents, within so many seconds."""
        documents = DocumentSet(split="val", count=AUDITED)
        settings = {"eval": asdict(recipe.eval), "documents": self._documents(documents), "seconds": seconds}
        inputs = {**self._scored(artifact, documents), "training": self.data.train_digest}
        job = self._job("audit", settings, inputs, seed, 1)
        places = {**self._places(), "training": str(self.data.tokens)}
        return self._order(job, f"audit {row}", places=places, awaited=False)

    def _documents(self, documents: DocumentSet) -> dict[str, Any]:
        which = {"split": documents.split, "first": 0, "count": documents.count}
        return {**which, "holdout_documents": self.data.tuning_documents}

    def _scored(self, artifact: str, documents: DocumentSet) -> dict[str, str]:
        return {"artifact": artifact, **self._read(documents)}

    def _read(self, documents: DocumentSet) -> dict[str, str]:
        tokens = self.data.val_digest if documents.split == "val" else self.data.train_digest
        return {"tokens": tokens, "tokenizer": self.data.tokenizer_digest}

    def _places(self) -> dict[str, str]:
        return {"tokens": str(self.data.tokens), "tokenizer": str(self.data.tokenizer)}

    def _job(
        self,
        stage: str,
        settings: Mapping[str, Any],
        inputs: Mapping[str, str],
        seed: int,
        processes: int,
    ) -> Job:
        machine = replace(self.machine, processes=processes)
        return Job(
            stage=stage, settings=settings, inputs=inputs, seed=seed, machine=machine, arithmetic=ARITHMETIC[stage]
        )

    def _order(
        self,
        job: Job,
        label: str,
        *,
        slots: int = 1,
        places: Mapping[str, str] | None = None,
        awaited: bool = True,
    ) -> Order:
        """An order; of one sweep's jobs those come first for whose result another job or trial waits."""
        return Order(
            job=job,
            sweep=self.sweep,
            label=label,
            slots=slots,
            places=places or {},
            priority=self.priority,
            awaited=awaited,
        )
