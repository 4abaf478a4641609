"""The search of a sweep: trials are drawn, scored on few tuning documents, and reported to the sampler in their order.

Then the best are scored on more documents and every tuning seed, which decides whom to confirm.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

from optuna.distributions import distribution_to_json

from golf.errors import InputError
from jobs.stages.pipeline import Pipeline
from jobs.stages.request import DocumentSet
from jobs.store import JobRecord, TrialRecord
from sweeps.driver.driver_store import DriverStore
from sweeps.driver.requests import JobRequests
from sweeps.driver.trials import ranking, search_digest, search_of, trial_name
from sweeps.search.search import Search
from sweeps.spec.file import SweepSpec
from sweeps.spec.kind import AnyRecipe
from sweeps.spec.orders import Measurement, OrderBook


class TrialSearch:
    """The search of a sweep. If the file describes none, it is over at once, without a winner."""

    def __init__(
        self,
        spec: SweepSpec,
        store: DriverStore,
        orders: OrderBook,
        pipeline: Pipeline,
        requests: JobRequests,
        *,
        read_only: bool,
    ) -> None:
        self._spec, self._store, self._orders, self._pipeline = spec, store, orders, pipeline
        self._requests, self._read_only = requests, read_only
        self.trials: dict[int, TrialRecord] = {}
        """By number, as of the last look."""
        self.blocked: JobRecord | None = None
        """A job of all trials that failed: the search goes on when it is requested again."""
        self._shared = self._shared_stages()
        self._recipes: dict[int, AnyRecipe] = {}

    def advance(self) -> list[int] | None:
        """Draw, request and report as far as it goes; numbers of the trials to confirm once all is known, best first.

        A failure that has nothing to do with a trial's own settings is not reported: the search is blocked, and
        confirms nothing.
        """
        self.blocked = None
        if self._spec.search is None:
            return []
        section, search = self._spec.search.section, search_of(self._spec)
        identity = self._identity
        # A search that was longer on another day may have drawn more.
        stored = self._store.trials(self._spec.name, identity)
        self.trials = {trial.number: trial for trial in stored if trial.number < section.trials}
        self._train_ahead(every_seed=section.promote is not None)
        for number in range(section.trials):
            if number not in self.trials and not self._draw(search, identity, number):
                break
            if self.trials[number].state == "running":
                self._score(identity, number)
            if self.blocked is not None:
                return []
        if len(self.trials) < section.trials or any(trial.state == "running" for trial in self.trials.values()):
            undrawn = {("trial", number) for number in range(len(self.trials), section.trials)}
            self._requests.to_come[self._pipeline.scored.name] |= undrawn
            return None
        return self._promote()

    @cached_property
    def _identity(self) -> str:
        return search_digest(self._spec, self._orders)

    def need_failed_trials(self) -> None:
        """Note the jobs of the trials that failed as needed: they are why."""
        for number, trial in self.trials.items():
            if trial.state == "failed":
                try:
                    self._requests.chain(self.first_measurement(number), shared=self._shared)
                except InputError:  # its settings never made a job
                    continue

    def best(self) -> tuple[str, float] | None:
        """Name and score of the best trial so far."""
        values = {number: trial.value for number, trial in self.trials.items()}
        best = next(iter(ranking(values)), None)
        value = None if best is None else values[best]
        return None if best is None or value is None else (trial_name(best), value)

    def recipe(self, number: int) -> AnyRecipe:
        """The recipe of a trial.

        Raises:
            InputError: its settings are good one by one, but not together.
        """
        assert self._spec.search is not None
        if number not in self._recipes:  # a trial's parameters never change
            self._recipes[number] = self._spec.trial_recipe(self.trials[number].parameters)
        return self._recipes[number]

    def first_measurement(self, number: int) -> Measurement:
        """The measurement that gives a trial its value."""
        return self._tuning_measurement(number, self._spec.seeds.tune[0], self._documents())

    def _documents(self) -> DocumentSet:
        assert self._spec.search is not None
        return DocumentSet(split="tune", count=self._spec.search.section.documents)

    def _tuning_measurement(self, number: int, seed: int, documents: DocumentSet) -> Measurement:
        recipe, entry = self.recipe(number).for_trials(), trial_name(number)
        return Measurement(recipe=recipe, seed=seed, documents=documents, entry=entry, trial=number)

    def _score(self, identity: str, number: int) -> None:
        """Request a trial's jobs, and report its value when it is there."""
        try:
            chain = self._requests.chain(self.first_measurement(number), shared=self._shared)
        except InputError:  # settings that are good one by one, but not together
            self._report(identity, number, None)
            return
        if chain is None or not chain.ended:
            return
        failure = chain.failure
        if failure is not None and failure.order.job.stage in self._shared:
            self.blocked = failure
        elif failure is not None:
            self._report(identity, number, None)
        elif self._spec.kind.breach({stage: chain.outputs(stage) for stage in chain.jobs}) is not None:
            self._report(identity, number, None, state="infeasible")
        else:
            self._report(identity, number, chain.value)

    def _train_ahead(self, *, every_seed: bool) -> None:
        """Request the trainings that all trials share while nodes are still free of evaluations."""
        seeds = self._spec.seeds.tune if every_seed else self._spec.seeds.tune[:1]
        for stage in self._pipeline.scoring():
            for seed in seeds if stage.name in self._shared and not stage.reads else ():
                recipe = self._spec.recipe.for_trials()
                subject = Measurement(recipe=recipe, seed=seed, documents=self._documents(), entry=None)
                self._requests.request(self._orders.order(stage, subject))

    def _shared_stages(self) -> frozenset[str]:
        """Stages whose job is the same for all trials: nothing is searched that decides it."""
        if self._spec.search is None:
            return frozenset()
        searched = {name for parameter in self._spec.search.space.values() for name in parameter.sections}
        before = [stage.name for stage in self._pipeline.scoring()[:-1]]
        return frozenset(name for name in before if not self._pipeline.sections(name) & searched)

    def _draw(self, search: Search, identity: str, number: int) -> bool:
        """Draw a trial if enough earlier trials have ended; returns whether it exists now."""
        # What is out of bounds is worse than any score, so that a sampler that learns draws less of its kind.
        values = {
            n: math.inf if trial.state == "infeasible" else trial.value
            for n, trial in self.trials.items()
            if trial.state != "running"
        }
        if self._read_only or not search.ready(number, values):
            return False
        parameters = search.ask(number, {n: trial.parameters for n, trial in self.trials.items()}, values)
        kinds = {name: distribution_to_json(kind) for name, kind in search.distributions.items()}
        self._write(identity, number, parameters, kinds)
        return True

    def _write(self, identity: str, number: int, parameters: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
        trial = TrialRecord(number=number, parameters=parameters, distributions=kinds, state="running", value=None)
        self._store.put_trial(self._spec.name, identity, trial)
        self.trials[number] = trial

    def _report(self, identity: str, number: int, value: float | None, state: str | None = None) -> None:
        """Write down the value of a trial; None where it failed, or where its state says why it has none."""
        ended = state or ("failed" if value is None else "complete")
        trial = replace(self.trials[number], state=ended, value=value)
        if not self._read_only:
            self._store.put_trial(self._spec.name, identity, trial)
        self.trials[number] = trial

    def _promote(self) -> list[int] | None:
        """The best trials once more on every tuning seed and more documents; None until that is done."""
        assert self._spec.search is not None
        ranked = ranking({number: trial.value for number, trial in self.trials.items()})
        promote = self._spec.search.section.promote
        if promote is None:
            return ranked[: self._spec.confirm_top]
        documents = DocumentSet(split="tune", count=promote.documents)
        means: dict[int, float | None] = {}
        waiting = False
        for number in ranked[: promote.top]:
            subjects = [self._tuning_measurement(number, seed, documents) for seed in self._spec.seeds.tune]
            chains = [self._requests.chain(subject, shared=self._shared) for subject in subjects]
            waiting |= any(chain is None or not chain.ended for chain in chains)
            scores = [chain.value for chain in chains if chain is not None and chain.done]
            means[number] = sum(scores) / len(scores) if len(scores) == len(chains) else None
        return None if waiting else ranking(means)[: self._spec.confirm_top]
