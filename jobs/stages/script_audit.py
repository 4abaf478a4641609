"""audit, of a script: the scorer that its file names is judged from outside, on the artifacts of an entry's seeds.

It is the audit of a native recipe with another scorer: same name, same version of the probes, same outputs. It runs as
a gang of one slot, since the scorer needs the script's own interpreter and perhaps a GPU for itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.program import Program
from jobs.scripts.run import ScriptRun
from jobs.spec import Job, Order
from jobs.stages.audit import AUDIT, SHORT_SHARE
from jobs.stages.request import Request, Subject
from jobs.stages.script import PREFIX, code_run
from jobs.stages.stage import GangStage, Source, WorkSizes

PASSES = 2
"""An audit probes for its budget, and scores validation documents once more for as long."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ScriptAudit(GangStage):
    """Judges a script's own scorer in the environment of the scored stage."""

    definition: Mapping[str, Any]
    """What the settings of its jobs have in common, whatever the recipe."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """How its jobs are run without changing a number."""

    def request(self, subject: Subject) -> Request:
        """The job of a recipe: environment of the scored stage, the script's files, data of entries, artifact."""
        script = subject.options["script"]
        code = script["versions"][subject.recipe["script"]["patch"] or ""]
        data = script["data"]["val"]
        return Request(
            settings={
                **self.definition,
                "env": subject.recipe["script"][self.definition["scored"]]["env"],
                "runtime": script["runtime"],
                "seconds": subject.options["audit"]["seconds"] * (SHORT_SHARE if subject.further else 1),
            },
            inputs={
                "script": code["script"],
                **{f"file:{name}": digest for name, digest in code["files"].items()},
                **subject.inputs,
                "tokens": data["tokens_digest"],
                "tokenizer": data["tokenizer_digest"],
                "validation": subject.data.val_digest,
            },
            places={"tokens": data["tokens"], "tokenizer": data["tokenizer"], "validation": data["tokens"]},
            conditions=self.conditions,
            awaited=False,
        )

    def program(self, order: Order) -> Program:
        from jobs.stages.work.script_auditor import ScriptAuditor

        return ScriptAuditor(order, scorer_run(order))

    def time_limit(self, order: Order) -> float | None:
        return PASSES * float(order.job.settings["seconds"])

    def work(self, order: Order, clock: str, sizes: WorkSizes) -> float:
        """An audit looks at as many places as its seconds allow."""
        return float(order.job.settings["seconds"])


def script_audit(definition: Mapping[str, Any], conditions: Mapping[str, Any] | None = None) -> ScriptAudit:
    """The audit of a script.

    Args:
        definition: settings that all its jobs share: the scorer, the files, the stage that makes the artifact.
        conditions: how its jobs are run; they may be left out where none is requested.
    """
    return ScriptAudit(
        name=AUDIT.name,
        version=AUDIT.version,
        reads={"artifact": Source(stage=PREFIX + definition["maker"], output="artifact")},
        contents=AUDIT.contents,
        sections=(definition["scored"],),
        per_entry=True,
        on_further_seeds=True,
        clocks=AUDIT.clocks,
        definition=definition,
        conditions=conditions or {},
    )


def is_script_audit(job: Job) -> bool:
    """Whether a job is the audit of a script."""
    return job.stage == AUDIT.name and "score" in job.settings


def scorer_run(order: Order) -> ScriptRun:
    """The script of an audit's job as it lies beside its scorer: with the artifact under its own name."""
    return replace(code_run(order), present={"artifact": order.job.settings["artifact"]})
