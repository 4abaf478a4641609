"""Evaluations of a participant's script, from what its stages printed and left."""

from collections.abc import Mapping
from typing import Any

from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.rules import RuleFinding
from sweeps.driver.chain import JobChain
from sweeps.entries.forms.scorer_form import scorer_findings
from sweeps.entries.script_form import UNAUDITED, scores_text, script_facts, script_findings, seed_evidence
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
            cost=measured.cost(chain),
            stage=measured.arrival(chain),
            whole_set=None,
            fresh_seed=seed not in sweep.spec.seeds.tune,
            code=measured.commits(chain),
            settings=measured.settings_digest(chain),
            trials=measured.trials(chain),
            **_audited(measured, evidence, kind, seed),
            findings=script_findings(made, self._audit_findings(kind, seed, scored)),
            **script_facts(chain.jobs, chain.scored.name),
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
