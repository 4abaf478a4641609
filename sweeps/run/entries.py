"""Writing the read model: a sweep's entries from its finished jobs, while it runs and when it ends."""

import hashlib
import json
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from golf.entry.bundle import Script
from golf.errors import InputError
from golf.score import nats_per_token_to_bpb
from jobs.stages.evaluate import EVALUATE
from jobs.stages.quantize import QUANTIZE
from jobs.stages.train import TRAIN
from jobs.state import AttemptState, JobState
from jobs.store import AttemptRecord, EntryRecord, JobRecord, Store
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.driver.chain import JobChain
from sweeps.driver.snapshot import Snapshot
from sweeps.driver.sweep import Sweep
from sweeps.entries import form
from sweeps.entries.audits import KEPT_OUTPUTS, audit_findings


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sources:
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

    @property
    def name(self) -> str:
        """The entry's."""
        return self.chains[0].entry

    @property
    def state(self) -> Hashable:
        """Changes whenever the entry may."""
        jobs = [job for chain in (*self.chains, *self.further) for job in chain.jobs.values()]
        jobs += [] if self.audit is None else [self.audit]
        return (self.position, self.tried, *((job.key, job.attempt) for job in jobs))


class EntryWriter:
    """Writes the entries of one sweep; what has not changed is neither built nor written again."""

    def __init__(self, sweep: Sweep, store: Store) -> None:
        self._sweep, self._store = sweep, store
        self._built: dict[str, tuple[Hashable, EntryRecord]] = {}
        """Entries by name, each with the state of the jobs that it was built from."""
        self._finished: frozenset[str] | None = None
        """Keys of the finished jobs at the last look that no other job waits for: final evaluations and audits."""

    def update(self, snapshot: Snapshot) -> None:
        """Write entries if a final evaluation or an audit has finished since the last look."""
        done = [job for job in snapshot.jobs if job.state == JobState.DONE]
        finished = frozenset(job.key for job in done if not job.order.awaited)
        if finished != self._finished:
            self.write()
            self._finished = finished

    def write(self, *, final: bool = False) -> list[str]:
        """Write entries as the store's jobs have them now; returns the names of those that changed.

        While lost evidence is made again, an entry stays as it is until all of it is there, unless this is final.
        """
        driver = self._sweep.driver(self._store, read_only=True)
        seeds: dict[str, list[JobChain]] = {}
        for chain in driver.confirmed():
            seeds.setdefault(chain.entry, []).append(chain)
        audits = driver.audits()
        tried = sum(trial.value is not None for trial in driver.trials())
        further: dict[str, list[JobChain]] = {}
        for chain in driver.trained_only():
            further.setdefault(chain.entry, []).append(chain)
        entries = [
            self._entry(
                _Sources(
                    position=position,
                    chains=chains,
                    audit=audits.get(name),
                    tried=tried,
                    further=further.get(name, []),
                )
            )
            for position, (name, chains) in enumerate(seeds.items())
        ]
        name, stored = self._sweep.spec.name, self._store.sweep(self._sweep.spec.name)
        assert stored is not None
        before = {entry.name: entry for entry in self._store.entries(name)}
        if not final and not self._store.are_done(_keys(before.values())):
            entries = _keep_complete(before, entries)
        spec = None if "board" in stored.spec else self._sweep.to_json()
        return self._store.put_entries(name, entries, version=form.VERSION, spec=spec)

    def _entry(self, sources: _Sources) -> EntryRecord:
        name, state = sources.name, sources.state
        if name not in self._built or self._built[name][0] != state:
            self._built[name] = (state, _build(self._sweep, self._store, sources))
        return self._built[name][1]


def _keys(entries: Collection[EntryRecord]) -> set[str]:
    """Keys of all jobs that entries rest on."""
    keys = {key for entry in entries for seed in entry.evidence["seeds"].values() for key in seed["jobs"].values()}
    return keys | {entry.evidence["audit"]["job"] for entry in entries if entry.evidence["audit"] is not None}


def _keep_complete(before: Mapping[str, EntryRecord], entries: Sequence[EntryRecord]) -> list[EntryRecord]:
    """Entries as they are built now, and as they were where they now lack a seed, an audit or everything."""
    now = {entry.name: entry for entry in entries}
    return [
        before[name] if name in before and (name not in now or _lacks(now[name], before[name])) else now[name]
        for name in {**now, **before}
    ]


def _lacks(entry: EntryRecord, before: EntryRecord) -> bool:
    lost_audit = entry.evidence["audit"] is None and before.evidence["audit"] is not None
    return lost_audit or not before.evidence["seeds"].keys() <= entry.evidence["seeds"].keys()


def build_missing(store: Store, say: Callable[[str], None]) -> None:
    """Write the entries of sweeps that an earlier version of golfsweep ran, once.

    Args:
        store: where the sweeps are.
        say: called with a line for each of them.
    """
    for record in filter(form.is_outdated, store.sweeps()):
        try:
            sweep = Sweep.from_json(record.spec)
        except InputError as error:
            say(f"{'; '.join(error.problems)}; its entries are not shown.")
            store.put_entries(record.name, [], version=form.VERSION)
            continue
        say(f"Sweep {record.name} was run by an earlier version of golfsweep; writing its leaderboard entries once.")
        EntryWriter(sweep, store).write()


def _build(sweep: Sweep, store: Store, sources: _Sources) -> EntryRecord:
    """One entry from its finished seeds and its audit, if that has finished."""
    chains, audit, further = sources.chains, sources.audit, sources.further
    name, recipe = sources.name, chains[0].measurement.recipe
    script = sweep.script(name, recipe)
    attempts = {job.key: store.attempts(job.key) for chain in chains for job in chain.jobs.values()}
    audited = None if audit is None else {name: _outputs(audit)[name] for name in KEPT_OUTPUTS}
    record = store.sweep(sweep.spec.name)
    assert record is not None
    before = [_bpb_of_model(chain.outputs(QUANTIZE.name)["loss"])[0] for chain in further]
    trained_only = tuple(bpb for bpb in before if bpb is not None)
    shared = _Shared(sweep, script, attempts, audited, record.created, sources.tried, trained_only)
    jobs = [job for chain in chains for job in chain.jobs.values()] + ([audit] if audit else [])
    evaluations = [shared.evaluation(chain) for chain in chains]
    content = {
        "evaluations": form.evaluations_to_json(evaluations),
        "settings": recipe.settings(),
        "audit": audited,
    }
    evidence: dict[str, Any] = {
        "seeds": {str(chain.measurement.seed): _seed_evidence(chain) for chain in chains},
        "audit": None if audit is None else {"job": audit.key, "certificate": _outputs(audit)["certificate"]},
        "arithmetic": _arithmetic(jobs),
        "code": {
            "commits": sorted({commit for run in evaluations for commit in run.code}, key=str),
            "script": hashlib.sha256(script.content).hexdigest(),
        },
    }
    if further:
        keys = {str(chain.measurement.seed): {stage: job.key for stage, job in chain.jobs.items()} for chain in further}
        evidence["trained_only"] = keys
    return EntryRecord(sweep=sweep.spec.name, name=name, position=sources.position, content=content, evidence=evidence)


def _seed_evidence(chain: JobChain) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for job in chain.jobs.values():
        made |= _outputs(job)
    evidence: dict[str, Any] = {"jobs": {stage: job.key for stage, job in chain.jobs.items()}}
    return evidence | {name: made[name] for name in ("weights", "artifact", "scores", "metrics") if name in made}


def _arithmetic(jobs: Sequence[JobRecord]) -> dict[str, int]:
    """Version of each stage's arithmetic; all jobs of a stage have that of the code that ordered them."""
    return {job.order.job.stage: job.order.job.arithmetic for job in jobs}


class _Shared:
    """What the evaluations of an entry's seeds have in common."""

    def __init__(
        self,
        sweep: Sweep,
        script: Script,
        attempts: Mapping[str, Sequence[AttemptRecord]],
        audit: Mapping[str, Any] | None,
        created: float,
        tried: int,
        trained_only: tuple[float, ...],
    ) -> None:
        self._sweep, self._script, self._attempts, self._audit = sweep, script, attempts, audit
        self._created, self._tried, self._trained_only = created, tried, trained_only

    def evaluation(self, chain: JobChain) -> Evaluation:
        """One seed's evaluation from its three jobs."""
        sweep, script = self._sweep, self._script
        train, quantize, evaluation = (chain.outputs(stage) for stage in (TRAIN.name, QUANTIZE.name, EVALUATE.name))
        seed, recipe, is_arm = chain.measurement.seed, chain.measurement.recipe, chain.measurement.trial is None
        tries = [attempt for job in chain.jobs.values() for attempt in self._attempts[job.key]]
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
                attempt for stage in (TRAIN.name, QUANTIZE.name) for attempt in self._attempts[chain.jobs[stage].key]
            ),
            stage=(self._created, 0 if is_arm else 1),
            whole_set=evaluation["documents"] == sweep.data.val_documents,
            source_bytes=script.source_bytes,
            fresh_seed=seed not in sweep.spec.seeds.tune,
            adapts=recipe.eval.adapts,
            trained_bpb=before,
            trained_only=self._trained_only,
            quantized_bpb=after,
            steps=train["steps"],
            machine=machine.describe(recipe.eval.precision),
            code=_commits(tries),
            settings=hashlib.sha256(json.dumps(recipe.settings(), sort_keys=True).encode()).hexdigest(),
            trials=0 if is_arm else self._tried,
            audited=self._audit is not None,
            findings=(*audit_findings(self._audit), *([form.RESUMED] if resumed else [])),
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
