"""One run of a participant's script, as plain data: a stage makes it of a job, a gang executes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Launch = Literal["torchrun", "python"]

LAST_SCORE = "last score"
"""The metric of a scored stage for which the file names none: the last kind of score that the log has."""
SETUP_SECONDS = 1800.0
"""For all commands of one set-up."""
PROBE_SECONDS = 300.0
"""For what an interpreter says of itself: a first import of torch from a network disk takes minutes."""
SILENT_SECONDS = 3600.0
"""How long a script may print nothing by default: evaluations on eight GPUs were silent for up to 2,765 seconds."""
IDLE_SECONDS = 900.0
"""How long it may show nothing and use no processor by default; one that waits for its GPUs keeps a processor busy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptRun:
    """Everything that a gang of a script needs beside the contents of its inputs."""

    file: str
    """The name under which it runs, e.g. "train_gpt.py"; its content is the input `script`."""
    files: tuple[str, ...] = ()
    """Names of the files beside it; their contents are the inputs `file:NAME`."""
    python: str
    """The interpreter that runs it."""
    launch: Launch = "torchrun"
    """Whether torchrun starts one process a slot, or the interpreter one process."""
    args: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    """Its environment, with placeholders (`jobs.scripts.placeholders`) still to be filled in."""
    passed: tuple[str, ...] = ()
    """Names of the node's own variables that reach it, beside those of libraries."""
    slots: int = 1
    seed: int
    places: Mapping[str, str] = field(default_factory=dict)
    """Local paths: `tokens` (the folder of shards) and `tokenizer`."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What has to be at those places, by the same names; what is not named is not compared."""
    outputs: Mapping[str, str] = field(default_factory=dict)
    """Role → the file that it writes, relative to its folder."""
    keep: Mapping[str, str] = field(default_factory=dict)
    """Role → file name of earlier outputs that are there under their own name; the contents are `in:ROLE`."""
    present: Mapping[str, str] = field(default_factory=dict)
    """Role → file name of earlier outputs that are put in place before the start, or whose path {in.ROLE} is."""
    metric: str | None = None
    """What is read of its output: the name of a known line, a regular expression with one group, or `LAST_SCORE`."""
    setup: tuple[str, ...] = ()
    """Shell commands that run once on a node before the first script."""
    needs: tuple[str, ...] = ()
    """Modules, and programs as "bin:NAME", without which it is not started."""
    runtime: Mapping[str, str | None] = field(default_factory=dict)
    """The Python, torch, CUDA and GPU that its numbers belong to; empty where any will do."""
    max_seconds: float | None = None
    silent_seconds: float = SILENT_SECONDS
    idle_seconds: float = IDLE_SECONDS
