"""From a recipe and a seed to the jobs that make its score, and to those that judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from jobs.spec import Job, Machine, Order
from jobs.stages.request import Data, DocumentSet, Subject
from jobs.stages.stage import Stage
from sweeps.spec.kind import AnyRecipe

NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class Measurement:
    """One recipe, seed and set of documents, to be scored."""

    recipe: AnyRecipe
    seed: int
    documents: DocumentSet
    entry: str | None
    """The leaderboard entry or trial that it belongs to; None where a whole search needs the job."""
    trial: int | None = None
    """Number of the trial, if it is one."""
    further: bool = False
    """Whether a stage with one job for each entry does a short one here, as the entry has its own on another seed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderBook:
    """Makes the orders of a sweep from what all its jobs share. Each order is made once and kept."""

    sweep: str
    priority: int
    data: Data
    machine: Machine
    """Machine class of one slot; a job's number of processes is its own."""
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Sections of the sweep's file beside its recipe that stages read."""
    _made: dict[Any, Order] = field(default_factory=dict, init=False, repr=False, compare=False)

    def order(self, stage: Stage, measurement: Measurement, inputs: Mapping[str, str] = NOTHING) -> Order:
        """The order of a stage's job.

        Args:
            stage: whose job it is.
            measurement: what it is about.
            inputs: digests of what the stage reads from earlier stages.
        """
        key = (stage, measurement, tuple(sorted(inputs.items())))
        if key not in self._made:
            self._made[key] = self._make(stage, measurement, inputs)
        return self._made[key]

    def _make(self, stage: Stage, measurement: Measurement, inputs: Mapping[str, str]) -> Order:
        request = stage.request(
            Subject(
                recipe=measurement.recipe.settings(),
                data=self.data,
                documents=measurement.documents,
                inputs=inputs,
                options=self.options,
                further=measurement.further,
            )
        )
        job = Job(
            stage=stage.name,
            settings=request.settings,
            inputs=request.inputs,
            seed=measurement.seed,
            machine=replace(self.machine, processes=request.slots),
            arithmetic=stage.version,
        )
        return Order(
            job=job,
            sweep=self.sweep,
            label=stage.label(measurement.entry, measurement.seed),
            slots=request.slots,
            places=request.places,
            conditions=request.conditions,
            priority=self.priority,
            awaited=request.awaited,
            entry=measurement.entry,
            trial=measurement.trial,
        )
