"""Evaluations of our own recipe, from the three jobs of each seed."""

import hashlib
from functools import cached_property
from typing import Any

from golf.entry.bundle import Script
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.driver.chain import JobChain
from sweeps.entries import form
from sweeps.entries.forms.native import bpb_of_model, native_facts
from sweeps.run.entry.measured import Measured
from sweeps.spec.dataset import DataSet
from sweeps.spec.recipe import Recipe


class NativeEvaluations:
    """Evaluations of one entry of our own recipe."""

    def __init__(self, measured: Measured) -> None:
        self._measured, sources = measured, measured.sources
        before = [bpb_of_model(chain.outputs(QUANTIZE.name)["loss"])[0] for chain in sources.further]
        self._trained_only = tuple(bpb for bpb in before if bpb is not None)

    @cached_property
    def _script(self) -> Script:
        sources = self._measured.sources
        return self._measured.sweep.script(sources.name, _recipe_of(sources.chains[0]))

    @property
    def script_digest(self) -> str:
        """Digest of the script that the entry is submitted as."""
        return hashlib.sha256(self._script.content).hexdigest()

    def evidence(self, chain: JobChain) -> dict[str, Any]:
        """Keys of a seed's jobs, and digests of what they made."""
        made: dict[str, Any] = {}
        for job in chain.jobs.values():
            made |= job.outputs or {}
        evidence: dict[str, Any] = {"jobs": {stage: job.key for stage, job in chain.jobs.items()}}
        return evidence | {name: made[name] for name in ("weights", "artifact", "scores", "metrics") if name in made}

    def evaluation(self, chain: JobChain) -> Evaluation:
        """One seed's evaluation from its three jobs."""
        measured, script = self._measured, self._script
        sweep, data = measured.sweep, measured.sweep.data
        assert isinstance(data, DataSet)
        train, quantize, evaluation = (chain.outputs(stage) for stage in (TRAIN.name, QUANTIZE.name, EVALUATE.name))
        seed, recipe = chain.measurement.seed, _recipe_of(chain)
        resumed = train["resumed"] and recipe.train.max_seconds is not None
        facts = native_facts(train, quantize, evaluation, chain.jobs[EVALUATE.name].order.job)
        return Evaluation(
            row=chain.entry,
            seed=seed,
            sweep=sweep.spec.name,
            nll=evaluation["nll"],
            text=ValidationSet(
                data=data.val_digest,
                tokenizer=f"{data.tokenizer.name} {data.tokenizer_digest[:8]}",
                documents=evaluation["documents"],
                tokens=evaluation["tokens"],
                bytes=evaluation["bytes"],
            ),
            scores=evaluation["scores"],
            artifact=quantize["artifact"],
            weights=train["weights"],
            code_bytes=len(script.content),
            cost=measured.cost(chain),
            training_cost=measured.cost_of(chain, (TRAIN.name, QUANTIZE.name)),
            stage=measured.arrival(chain),
            whole_set=evaluation["documents"] == data.val_documents,
            source_bytes=script.source_bytes,
            fresh_seed=seed not in sweep.spec.seeds.tune,
            trained_only=self._trained_only,
            code=measured.commits(chain),
            settings=measured.settings_digest(chain),
            trials=measured.trials(chain),
            audited=measured.audit is not None,
            own_audit=measured.is_audited(quantize["artifact"]),
            findings=(*measured.findings, *([form.RESUMED] if resumed else [])),
            **facts,
        )


def _recipe_of(chain: JobChain) -> Recipe:
    recipe = chain.measurement.recipe
    assert isinstance(recipe, Recipe)
    return recipe
