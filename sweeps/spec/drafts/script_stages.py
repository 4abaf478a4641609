"""Which stages a script can be run as, from its source: a training, and an evaluation of what it left."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from jobs.logs import SCORE_STAGES
from jobs.scripts.source import ScriptSource
from jobs.scripts.source.facts import WrittenFile
from jobs.scripts.source.metric_lines import MetricLine

WEIGHTS_SUFFIXES = (".pt", ".pth", ".safetensors")
_PATHS = ("EVAL_ONLY_PATH", "LOAD_")
"""Switches whose value is a file."""
_SKIPS = ("TTT_EVAL_ONLY", "TTT_ONLY", "EVAL_ONLY")
_NO_TRAINING = ("ITERATIONS", "WARMUP_STEPS")


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftStage:
    """A stage of the draft."""

    name: str
    out: Mapping[str, str] = field(default_factory=dict)
    keep: Sequence[str] = ()
    after: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    metric: str | None = None
    remark: str = ""
    """Why it is as it is, in a sentence."""


def propose_stages(source: ScriptSource) -> list[DraftStage]:
    """The stages to start with: one that trains and, where the script can do without training, one that evaluates."""
    outputs = propose_outputs(source.writes)
    metric = best_metric(source.metrics)
    evaluation = None if "artifact" not in outputs else _propose_evaluation(source, metric, outputs)
    train = DraftStage(name="train", out=outputs, metric=metric if evaluation is None else None)
    return [train] if evaluation is None else [train, evaluation]


def propose_outputs(writes: Sequence[WrittenFile]) -> dict[str, str]:
    """The weights and the artifact among the files that a script writes: its last ones of each kind."""
    outputs: dict[str, str] = {}
    for file in writes:
        path = PurePosixPath(file.name)
        if not file.binary or "*" in file.name or path.is_absolute() or ".." in path.parts or not path.suffix:
            continue
        if path.suffix in WEIGHTS_SUFFIXES:
            outputs.setdefault("weights", file.name)
        elif path.suffix not in (".py", ".txt", ".json", ".log"):
            outputs["artifact"] = file.name
    return outputs


def best_metric(metrics: Sequence[MetricLine]) -> str | None:
    """The line that says most of the finished model: the last one of the latest stage of scoring."""
    ranked = sorted(metrics, key=lambda metric: (SCORE_STAGES.index(metric.stage), metric.line))
    return ranked[-1].name if ranked else None


def _propose_evaluation(source: ScriptSource, metric: str | None, outputs: Mapping[str, str]) -> DraftStage | None:
    switches = {entry.name: entry for entry in source.switches}
    for name in _SKIPS:
        if name in switches:
            is_path = name == "EVAL_ONLY" and switches[name].kind == "str"
            value = _file_for(name, outputs) if is_path else "1"
            remark = f"{name} skips the training"
            return _evaluation({name: value}, metric, remark)
    for name in switches:
        if name.startswith(_PATHS):
            return _evaluation({name: _file_for(name, outputs)}, metric, f"{name} names the file that it starts from")
    if "ITERATIONS" in source.names:
        skipped = {name: "0" for name in _NO_TRAINING if name in source.names}
        remark = "no steps: it evaluates the kept artifact; compare once with the score that train prints"
        return _evaluation(skipped, metric, remark)
    return None


def _evaluation(env: Mapping[str, str], metric: str | None, remark: str) -> DraftStage:
    return DraftStage(name="eval", after="train", keep=("artifact",), env=env, metric=metric, remark=remark)


def _file_for(name: str, outputs: Mapping[str, str]) -> str:
    """The output that a variable names: most scripts load their weights, and some the artifact, which the name says."""
    is_artifact = re.search(r"ARTIFACT|QUANT|INT\d|PTZ", name) or "weights" not in outputs
    return "{in.artifact}" if is_artifact else "{in.weights}"
