"""Building an entry of the leaderboard from the finished jobs of its seeds."""

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.entry.bundle import Script
from golf.score import nats_per_token_to_bpb
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.state import AttemptState
from jobs.store import AttemptRecord, EntryRecord, JobRecord, Store
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.rules import RuleFinding
from sweeps.driver.chain import JobChain
from sweeps.driver.sweep import Sweep
from sweeps.entries import form
from sweeps.entries.audits import KEPT_OUTPUTS, entry_findings


@dataclass(frozen=True, kw_only=True, slots=True)
class EntrySources:
    """What an entry is built from."""

    position: int
    """Its place in the order of entries."""
    chains: Sequence[JobChain]
    """Of its finished seeds."""
    audit: JobRecord | None
    tried: int
    """Trials of its sweep that have a value."""
    further: Sequence[JobChain]
    """Of its seeds that are trained and not evaluated."""
    seed_audits: Mapping[int, JobRecord]
    """The short audits of its further seeds."""

    @property
    def name(self) -> str:
        """The entry's."""
        return self.chains[0].entry

    @property
    def state(self) -> Hashable:
        """Changes whenever the entry may."""
        jobs = [job for chain in (*self.chains, *self.further) for job in chain.jobs.values()]
        jobs += [*([] if self.audit is None else [self.audit]), *self.seed_audits.values()]
        return (self.position, self.tried, *((job.key, job.attempt) for job in jobs))


def build_entry(sweep: Sweep, store: Store, sources: EntrySources) -> EntryRecord:
    """One entry from its finished seeds and its audit, if that has finished."""
    chains, audit, further = sources.chains, sources.audit, sources.further
    name, recipe = sources.name, chains[0].measurement.recipe
    script = sweep.script(name, recipe)
    attempts = {job.key: store.attempts(job.key) for chain in chains for job in chain.jobs.values()}
    audited = None if audit is None else _audit_outcome(audit)
    seed_audits = {str(seed): _audit_outcome(job) for seed, job in sources.seed_audits.items()}
    record = store.sweep(sweep.spec.name)
    assert record is not None
    before = [_bpb_of_model(chain.outputs(QUANTIZE.name)["loss"])[0] for chain in further]
    trained_only = tuple(bpb for bpb in before if bpb is not None)
    audits = [*([] if audit is None else [audit]), *sources.seed_audits.values()]
    shared = _Shared(
        sweep=sweep,
        script=script,
        attempts=attempts,
        audited=audit is not None,
        audited_artifacts=frozenset(job.order.job.inputs["artifact"] for job in audits),
        findings=entry_findings(audited, seed_audits),
        created=record.created,
        tried=sources.tried,
        trained_only=trained_only,
    )
    jobs = [job for chain in chains for job in chain.jobs.values()] + audits
    evaluations = [shared.evaluation(chain) for chain in chains]
    content = {
        "evaluations": form.evaluations_to_json(evaluations),
        "settings": recipe.settings(),
        "audit": audited,
        **({"seed_audits": seed_audits} if seed_audits else {}),
    }
    evidence: dict[str, Any] = {
        "seeds": {str(chain.measurement.seed): _seed_evidence(chain) for chain in chains},
        "audit": None if audit is None else _audit_evidence(audit),
        "arithmetic": _arithmetic(jobs),
        "code": {
            "commits": sorted({commit for run in evaluations for commit in run.code}, key=str),
            "script": hashlib.sha256(script.content).hexdigest(),
        },
    }
    if sources.seed_audits:
        evidence["seed_audits"] = {str(seed): _audit_evidence(job) for seed, job in sources.seed_audits.items()}
    if further:
        keys = {str(chain.measurement.seed): {stage: job.key for stage, job in chain.jobs.items()} for chain in further}
        evidence["trained_only"] = keys
    return EntryRecord(sweep=sweep.spec.name, name=name, position=sources.position, content=content, evidence=evidence)


def _audit_outcome(audit: JobRecord) -> dict[str, Any]:
    return {name: _outputs(audit)[name] for name in KEPT_OUTPUTS}


def _audit_evidence(audit: JobRecord) -> dict[str, Any]:
    return {"job": audit.key, "certificate": _outputs(audit)["certificate"]}


def _seed_evidence(chain: JobChain) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for job in chain.jobs.values():
        made |= _outputs(job)
    evidence: dict[str, Any] = {"jobs": {stage: job.key for stage, job in chain.jobs.items()}}
    return evidence | {name: made[name] for name in ("weights", "artifact", "scores", "metrics") if name in made}


def _arithmetic(jobs: Sequence[JobRecord]) -> dict[str, int]:
    """Version of each stage's arithmetic; all jobs of a stage have that of the code that ordered them."""
    return {job.order.job.stage: job.order.job.arithmetic for job in jobs}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Shared:
    """What the evaluations of an entry's seeds have in common."""

    sweep: Sweep
    script: Script
    attempts: Mapping[str, Sequence[AttemptRecord]]
    audited: bool
    audited_artifacts: frozenset[str]
    findings: tuple[RuleFinding, ...]
    """Of all audits."""
    created: float
    tried: int
    trained_only: tuple[float, ...]

    def evaluation(self, chain: JobChain) -> Evaluation:
        """One seed's evaluation from its three jobs."""
        sweep, script = self.sweep, self.script
        train, quantize, evaluation = (chain.outputs(stage) for stage in (TRAIN.name, QUANTIZE.name, EVALUATE.name))
        seed, recipe, is_arm = chain.measurement.seed, chain.measurement.recipe, chain.measurement.trial is None
        tries = [attempt for job in chain.jobs.values() for attempt in self.attempts[job.key]]
        resumed = train["resumed"] and recipe.train.max_seconds is not None
        before, after = _bpb_of_model(quantize["loss"])
        machine = chain.jobs[EVALUATE.name].order.job.machine
        return Evaluation(
            row=chain.entry,
            seed=seed,
            sweep=sweep.spec.name,
            nll=evaluation["nll"],
            text=ValidationSet(
                data=sweep.data.val_digest,
                tokenizer=f"{sweep.data.tokenizer.name} {sweep.data.tokenizer_digest[:8]}",
                documents=evaluation["documents"],
                tokens=evaluation["tokens"],
                bytes=evaluation["bytes"],
            ),
            scores=evaluation["scores"],
            artifact=quantize["artifact"],
            weights=train["weights"],
            model_bytes=quantize["ledger"]["model_bytes"],
            code_bytes=len(script.content),
            clocks=_clocks(train, quantize, evaluation),
            cost=_sum_costs(tries),
            training_cost=_sum_costs(
                attempt for stage in (TRAIN.name, QUANTIZE.name) for attempt in self.attempts[chain.jobs[stage].key]
            ),
            stage=(self.created, 0 if is_arm else 1),
            whole_set=evaluation["documents"] == sweep.data.val_documents,
            source_bytes=script.source_bytes,
            fresh_seed=seed not in sweep.spec.seeds.tune,
            adapts=recipe.eval.adapts,
            trained_bpb=before,
            trained_only=self.trained_only,
            quantized_bpb=after,
            steps=train["steps"],
            machine=machine.describe(recipe.eval.precision),
            code=_commits(tries),
            settings=hashlib.sha256(json.dumps(recipe.settings(), sort_keys=True).encode()).hexdigest(),
            trials=0 if is_arm else self.tried,
            audited=self.audited,
            own_audit=quantize["artifact"] in self.audited_artifacts,
            findings=(*self.findings, *([form.RESUMED] if resumed else [])),
        )


def _sum_costs(tries: Iterable[AttemptRecord]) -> float | None:
    """Dollars of ended attempts; None where the cost of one is unknown."""
    costs = [attempt.cost for attempt in tries if attempt.state != AttemptState.RUNNING]
    return None if None in costs else sum(cost for cost in costs if cost is not None)


def _clocks(train: Mapping[str, Any], quantize: Mapping[str, Any], evaluation: Mapping[str, Any]) -> dict[str, float]:
    clocks = {f"train.{name}": value for name, value in train["clocks"].items()}
    clocks |= {f"eval.{name}": value for name, value in evaluation["clocks"].items()}
    return clocks | {"quantize_seconds": quantize["clocks"]["quantize_seconds"]}


def _bpb_of_model(loss: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Bits per byte of a model without test-time training, before and after quantization."""
    if not loss["bytes"]:
        return None, None
    before, after = (nats_per_token_to_bpb(loss[when], loss["tokens"], loss["bytes"]) for when in ("before", "after"))
    return before, after


def _outputs(job: JobRecord) -> Mapping[str, Any]:
    assert job.outputs is not None
    return job.outputs


def _commits(tries: Sequence[AttemptRecord]) -> tuple[str | None, ...]:
    """Commits of the code that the attempts ran, each once; None among them where one is not known."""
    return tuple(sorted({attempt.commit for attempt in tries}, key=str))
