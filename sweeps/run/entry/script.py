"""Evaluations of a participant's script, from what its stages printed and left."""

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.logs.log import ScoreStage
from jobs.logs.score_lines import stage_of
from jobs.stages.stage import title_of
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.rules import RuleFinding
from sweeps.driver.chain import JobChain
from sweeps.entries.scorer_form import scorer_findings
from sweeps.entries.script_form import UNAUDITED, machine_class, scores_text, script_findings, seed_evidence
from sweeps.run.entry.measured import Measured
from sweeps.spec.script.code import UNPATCHED, Version
from sweeps.spec.script.data import ScriptData
from sweeps.spec.script.kind import ScriptKind
from sweeps.spec.script.recipe import ScriptRecipe


class ScriptEvaluations:
    """Evaluations of one entry of a script."""

    def __init__(self, measured: Measured) -> None:
        self._measured = measured

    @property
    def _version(self) -> Version:
        """The script as this entry ran it."""
        recipe, code = self._measured.sources.chains[0].measurement.recipe, self._measured.sweep.code
        assert isinstance(recipe, ScriptRecipe) and code is not None
        return code.versions[recipe.patch or UNPATCHED]

    @property
    def script_digest(self) -> str:
        """Digest of the script after its patch."""
        return self._version.script

    def evidence(self, chain: JobChain) -> dict[str, Any]:
        """Keys of a seed's jobs, and digests of the evidence for its score."""
        return seed_evidence({stage: job for stage, job in chain.jobs.items()}, chain.scored.name)

    def evaluation(self, chain: JobChain) -> Evaluation:
        """One seed's evaluation."""
        measured, made = self._measured, [job.outputs or {} for job in chain.jobs.values()]
        sweep, data, kind = measured.sweep, measured.sweep.data, measured.sweep.spec.kind
        assert isinstance(data, ScriptData) and isinstance(kind, ScriptKind)
        scored, seed = chain.outputs(chain.scored.name), chain.measurement.seed
        evidence = self.evidence(chain)
        return Evaluation(
            row=chain.entry,
            seed=seed,
            sweep=sweep.spec.name,
            nll=(scored.get("document_totals") or {}).get("nll"),
            score=chain.value,
            text=_text(data, scored),
            scores=evidence.get("scores"),
            artifact=evidence.get("artifact"),
            weights=evidence.get("weights"),
            model_bytes=evidence.get("artifact_bytes"),
            code_bytes=self._version.num_bytes,
            limit_bytes=kind.limit_bytes,
            clocks=_clocks(chain),
            cost=measured.cost(chain),
            stage=measured.arrival(chain),
            whole_set=None,
            fresh_seed=seed not in sweep.spec.seeds.tune,
            adapts=stage_of(scored["metric"]["name"]) == "adapted",
            trained_bpb=_score_of(made[:1], "trained"),
            quantized_bpb=_score_of([scored, *made], "roundtrip"),
            bpb_per_nat=scored["bpb_per_nat"],
            machine=_machine(chain),
            machine_class=machine_class(chain.jobs.values()),
            code=measured.commits(chain),
            settings=measured.settings_digest(chain),
            trials=measured.trials(chain),
            **_audited(measured, evidence, kind, seed),
            findings=script_findings(made, self._audit_findings(kind, seed, scored)),
        )

    def _audit_findings(self, kind: ScriptKind, seed: int, scored: Mapping[str, Any]) -> tuple[RuleFinding, ...]:
        """Findings of the audit of its scorer; that there is no scorer, where the file names none."""
        measured = self._measured
        if not kind.is_audited:
            return (UNAUDITED,)
        return scorer_findings(measured.audit, measured.seed_audits, measured.audit_of(seed), scored, measured.files)


def _audited(measured: Measured, evidence: Mapping[str, Any], kind: ScriptKind, seed: int) -> dict[str, Any]:
    """What an evaluation says of the audits of its entry; nothing where its script has no scorer."""
    if not kind.is_audited:
        return {}
    own = evidence.get("artifact") is not None and measured.audit_of(seed) is not None
    return {"audited": measured.audit is not None, "own_audit": own}


def _text(data: ScriptData, scored: Mapping[str, Any]) -> ValidationSet:
    """The validation set, with its sizes where the script wrote the scores of its documents."""
    tokenizer = None if data.tokenizer is None else f"{data.tokenizer.name} {data.tokenizer_digest[:8]}"
    return ValidationSet(data=data.val_digest, tokenizer=tokenizer or "none", **scores_text(scored))


def _clocks(chain: JobChain) -> dict[str, float]:
    """Every stage's clocks under its name; under train and eval also those of the first and of the scored stage."""
    clocks: dict[str, float] = {}
    for stage, job in chain.jobs.items():
        own = (job.outputs or {})["clocks"]
        clocks |= {f"{title_of(stage)}.{name}": seconds for name, seconds in own.items()}
    first, scored = next(iter(chain.jobs)), chain.scored.name
    for name, stage, wanted in (("train", first, "train_seconds"), ("eval", scored, "eval_seconds")):
        own = chain.outputs(stage)["clocks"]
        if wanted in own:
            clocks[f"{name}.{wanted}"] = own[wanted]
        if first != scored and "process_seconds" in own:  # an attached output has no process
            clocks[f"{name}.process_seconds"] = own["process_seconds"]
    return clocks


def _score_of(made: Iterable[Mapping[str, Any]], stage: ScoreStage) -> float | None:
    """The score that the log of the first of these jobs with lines of some stage gave; None if it gave several.

    Of trained weights only the training speaks: a stage that evaluates a kept artifact has none, and prints a score all
    the same. Of the artifact the scored stage comes first: its score is of the same tokens as the one after adaptation.
    """
    for outputs in made:
        if scores := {score for name, score in outputs["scores"].items() if stage_of(name) == stage}:
            return scores.pop() if len(scores) == 1 else None
    return None


def _machine(chain: JobChain) -> str:
    """Device, torch and width, as the script's own interpreter has them."""
    order = chain.jobs[chain.scored.name].order
    runtime = chain.outputs(chain.scored.name).get("runtime") or order.job.settings["runtime"]
    widths = ", ".join(f"{title_of(stage)} on {job.order.slots}" for stage, job in chain.jobs.items())
    torch = f"torch {runtime['torch']}" if runtime.get("torch") else "torch of the script's interpreter"
    return f"{runtime.get('device') or order.job.machine.device}, {torch}, {widths}"
