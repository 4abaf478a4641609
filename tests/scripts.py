"""Run a small script as a gang, as a worker does, and see how it ends."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.executors.launcher import Gang
from cluster.executors.processes import Mark, marked
from jobs.events import Event, Failed, Finished, Progress
from jobs.program import LOG
from jobs.scripts.program import ScriptProgram
from jobs.scripts.run import ScriptRun

GRACE_SECONDS = 1.0
BARE_PYTHON = os.path.realpath(sys.executable)
"""The interpreter without this environment's packages: asking it for its torch takes no time."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """What a script's gang came to."""

    last: Event
    notes: Sequence[str]
    """Of its progress."""
    folder: Path
    """Of its attempt."""

    @property
    def finished(self) -> Finished:
        assert isinstance(self.last, Finished), self.last
        return self.last

    @property
    def failed(self) -> Failed:
        assert isinstance(self.last, Failed), self.last
        return self.last

    @property
    def log(self) -> str:
        return (self.folder / LOG).read_text(errors="replace")


def run_script(
    folder: Path,
    source: str,
    *,
    inputs: Mapping[str, bytes] | None = None,
    slots: int = 1,
    silence_seconds: float = 60.0,
    **settings: Any,
) -> Ended:
    """Run a script to its end; nothing of it is left running."""
    python = BARE_PYTHON if settings.get("launch", "python") == "python" else sys.executable
    settings = {"launch": "python", "python": python, "silent_seconds": silence_seconds, **settings}
    run = ScriptRun(file="train_gpt.py", seed=1337, slots=slots, **settings)
    program = ScriptProgram(run, grace_seconds=GRACE_SECONDS)
    mark = Mark(
        node=f"scripts {os.getpid()}", slots=tuple(range(slots)), task=f"script {os.getpid()} {time.monotonic()}"
    )
    attempt = folder / "attempts" / "job" / "1"
    contents = {"script": source.encode(), **(inputs or {})}
    gang = Gang(program, attempt, slots=slots, inputs=contents, mark=mark, silence_seconds=900.0)
    *before, last = gang.events()
    assert marked(lambda other: other.task == mark.task) == []
    return Ended(last=last, notes=[event.note for event in before if isinstance(event, Progress)], folder=attempt)
