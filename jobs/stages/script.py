"""A participant's own script as stages: each is one run of it, with an environment and outputs of its own.

A job of such a stage holds everything that its run needs in its settings and inputs, and how it is run in its order's
conditions. So a scheduler that never saw the sweep's file makes the stage anew from the job (`stage_of_job`).
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.program import Program
from jobs.scripts.run import IDLE_SECONDS, PROBE_SECONDS, SETUP_SECONDS, SILENT_SECONDS, ScriptRun
from jobs.spec import Job, Order
from jobs.stages.request import Request, Subject
from jobs.stages.stage import GangStage, ScoringStage, Source

PREFIX = "script."
"""What the names of these stages begin with in jobs; people see the rest."""
VERSION = 1
"""Of how scripts are run; a script's digest says what it computes."""
OWN_OUTPUTS = ("log", "metrics", "document_scores")
"""Contents that every stage may leave beside those that its file names."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ScriptStage(GangStage, ScoringStage):
    """One run of a script: trains, evaluates, or whatever it does in this environment."""

    definition: Mapping[str, Any]
    """What the settings of its jobs have in common, whatever the recipe."""
    conditions: Mapping[str, Any] = field(default_factory=dict)
    """How its jobs are run without changing a number."""
    scored: bool = False
    """Whether its score is the recipe's, for which no other job waits."""

    def request(self, subject: Subject) -> Request:
        """The job of a recipe: its environment, its script after its patch, and the data of trials or confirmations."""
        own, script = subject.recipe["script"][self.title], subject.options["script"]
        code = script["versions"][subject.recipe["script"]["patch"] or ""]
        data = script["data"][subject.documents.split]
        files = {f"file:{name}": digest for name, digest in code["files"].items()}
        places = {name: data[name] for name in ("tokens", "tokenizer") if data[name] is not None}
        return Request(
            settings={**self.definition, "env": own["env"], "runtime": script["runtime"]},
            inputs={
                "script": code["script"],
                **files,
                **subject.inputs,
                **{name: data[f"{name}_digest"] for name in places},
            },
            places=places,
            conditions=self.conditions,
            slots=own["gpus"],
            awaited=subject.documents.split == "tune" or not self.scored,
        )

    def label(self, entry: str | None, seed: int, further: bool = False) -> str:
        """What a person calls a job: the stage by the name that the file gives it."""
        return " ".join(part for part in (self.title, entry, f"seed {seed}") if part is not None)

    def program(self, order: Order) -> Program:
        from jobs.scripts.program import ScriptProgram

        return ScriptProgram(script_run(order))

    def time_limit(self, order: Order) -> float | None:
        limit: float | None = order.conditions.get("max_seconds")
        return limit

    def duration_group(self, order: Order) -> tuple[Any, ...]:
        return (order.job.inputs["script"], order.slots)

    def silence(self, order: Order) -> float:
        """As long as its script may be silent, after what comes before it, which prints nothing either."""
        silent = float(order.conditions.get("silent_seconds") or SILENT_SECONDS)
        return SETUP_SECONDS + PROBE_SECONDS + silent

    def value_of(self, outputs: Mapping[str, Any]) -> float:
        """What the metric's line says."""
        return float(outputs["metric"]["value"])

    def outputs_worth(self, value: float) -> dict[str, Any]:
        return {"metric": {"name": self.definition["metric"], "value": value}}


def script_stage(
    name: str, definition: Mapping[str, Any], conditions: Mapping[str, Any] | None = None, *, scored: bool = False
) -> ScriptStage:
    """The stage of a name that a file gives.

    Args:
        name: e.g. "train".
        definition: settings that all its jobs share, in the form that `ScriptStage.definition` has.
        conditions: how its jobs are run; they may be left out where none is requested.
        scored: whether its score is the recipe's.
    """
    reads = {f"in:{role}": Source(stage=PREFIX + stage, output=role) for role, stage in definition["in"].items()}
    return ScriptStage(
        name=PREFIX + name,
        version=VERSION,
        reads=reads,
        contents=(*definition["outputs"], *OWN_OUTPUTS),
        shown=("log", "metrics"),
        intermediate=tuple(role for role in definition["outputs"] if role != "artifact"),
        sections=(name,),
        clocks=("process_seconds",),
        definition=definition,
        conditions=conditions or {},
        scored=scored,
    )


def stage_of_job(job: Job) -> ScriptStage:
    """The stage of a job whose sweep's file is not at hand."""
    return script_stage(job.stage.removeprefix(PREFIX), job.settings)


def is_script_stage(name: str) -> bool:
    """Whether a job's stage is one of a script."""
    return name.startswith(PREFIX)


def code_run(order: Order) -> ScriptRun:
    """What every run of a script's code has: its files, interpreter and environment, alone on one slot."""
    settings, how = order.job.settings, order.conditions
    return ScriptRun(
        file=settings["file"],
        files=tuple(settings["files"]),
        python=how["python"] or sys.executable,
        launch="python",
        env=settings["env"],
        passed=tuple(how["pass"]),
        setup=tuple(how["setup"]),
        needs=tuple(how["needs"]),
        runtime=settings["runtime"],
        seed=order.job.seed,
        places=order.places,
    )


def script_run(order: Order) -> ScriptRun:
    """The run of a job of a script."""
    job, how = order.job, order.conditions
    settings = job.settings
    return replace(
        code_run(order),
        launch=settings["launch"],
        args=tuple(settings["args"]),
        slots=order.slots,
        digests={name: job.inputs[name] for name in order.places},
        outputs=settings["outputs"],
        keep=settings["keep"],
        present=settings["present"],
        metric=settings["metric"],
        max_seconds=how["max_seconds"],
        silent_seconds=how["silent_seconds"] or SILENT_SECONDS,
        idle_seconds=how["silent_seconds"] or IDLE_SECONDS,
    )
