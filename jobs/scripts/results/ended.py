"""What a script leaves when it has ended, well or not: judged, and made into outputs of its job."""

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from golf.errors import InputError
from jobs.events import FAILED_AFTER, Failed, Failure, Finished
from jobs.failures import any_killed, classify_text, died_of_signal
from jobs.logs.live import LiveLog
from jobs.program import GangEnd
from jobs.scripts.kept import KeptFiles
from jobs.scripts.results.document_scores import read_document_scores
from jobs.scripts.results.metric_value import diverged, read_metric, short, unclear_metric, unfinished
from jobs.scripts.results.outputs import Outputs
from jobs.scripts.run import ScriptRun

_EXCEPTION = re.compile(r"^(?:\[rank\d+\]: ?)?((?:\w+\.)*\w*(?:Error|Exception|Interrupt|Exit)\b.*)$", re.MULTILINE)
"""The last line of a traceback."""


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedScript:
    """One attempt at a run of a script that is over, with all that it printed read."""

    run: ScriptRun
    log: Path
    scores: Path
    """Where its scores by document are, if it gave any."""
    live: LiveLog
    kept: KeptFiles
    outputs: Outputs
    code_bytes: int
    runtime: Mapping[str, str | None]
    started: float
    """What the monotonic clock showed then."""

    def judge(self, end: GangEnd, waited: float) -> Finished | Failed:
        """What a script has given that ended without an error, or what it failed to give.

        Args:
            end: how it ended.
            waited: seconds of silence after which it was ended, if it was.
        """
        problem = (
            diverged(self.live) or self._changed_kept() or unclear_metric(self.live, self.run.metric) or self._missing()
        )
        if problem is not None:
            return problem
        try:
            files = self.outputs.read()
        except InputError as error:
            return unfinished(str(error))
        made = self._made(files, end.at, _notes(end, waited))
        if not self.scores.exists():
            return made
        try:
            table, totals = read_document_scores(self.scores)
        except InputError as error:
            return unfinished(str(error))
        outputs = {**made.outputs, "document_scores": None, "document_totals": totals}
        return Finished(outputs=outputs, files={**made.files, "document_scores": table})

    def keep_written(self, failed: Failed) -> Finished:
        """Outputs that it completed before it failed; those that a kill may have cut off are left out.

        A stage without a metric is there for its outputs. If they are complete, and a training is at its end, nothing
        of its work is missing, and later stages go on from them.
        """
        if failed.failure in (Failure.DIVERGED, Failure.DISK_FULL) or self.kept.changed():
            return Finished(outputs={})
        ended_itself = failed.failure in (Failure.CRASH, Failure.BAD_CONFIGURATION, Failure.GPU_MEMORY)
        printed = self.log.read_text(encoding="utf-8", errors="replace")
        files = self.outputs.read_written(settled=not ended_itself or any_killed(printed))
        is_whole = bool(files) and set(files) == set(self.run.outputs) and not self.live.in_training
        if not is_whole or self.run.metric is not None or failed.failure == Failure.BAD_CONFIGURATION:
            return Finished(outputs={}, files=files)
        why = f"{failed.failure}: {failed.reason}"
        made = self._made(files, time.monotonic(), [f"it failed after its outputs were complete ({why})"])
        return Finished(outputs={**made.outputs, FAILED_AFTER: why}, files=made.files)

    def _made(self, files: Mapping[str, bytes], at: float, notes: list[str]) -> Finished:
        """What it has given, with its outputs as contents."""
        sizes = {role: len(content) for role, content in files.items()}
        live = self.live
        name, value = read_metric(live, self.run.metric)
        outputs: dict[str, Any] = {
            "metric": None if name is None else {"name": name, "value": value},
            "bpb_per_nat": live.bpb_per_nat(name),
            "scores": dict(live.scores()),
            "clocks": {"process_seconds": at - self.started, **live.clocks()},
            "bytes": {**live.bytes(), **sizes, "code": self.code_bytes},
            "runtime": dict(self.runtime),
            "notes": notes,
        }
        contents = {**files, "log": self.log.read_bytes()}
        if curve := live.metrics():
            contents["metrics"] = curve
        return Finished(outputs={**outputs, **dict.fromkeys(contents)}, files=contents)

    def _changed_kept(self) -> Failed | None:
        if not (changed := self.kept.changed()):
            return None
        return unfinished(
            f"{', '.join(changed)}: a program changed this kept file, which could not be prevented; "
            "see what keep cannot redirect in docs/scripts.md, or use a switch of the script"
        )

    def _missing(self) -> Failed | None:
        if not (problems := self.outputs.problems()):
            return None
        return unfinished("; ".join(f"it ended without an error and {problem}" for problem in problems))


def name_exception(log: str) -> list[tuple[Failure, str]]:
    """The exception that a log ends with, unless the log names a cause that we know better.

    That the other ranks lost their connection is only how they saw it.
    """
    lines = _EXCEPTION.findall(log)
    own = [line for line in lines if "ChildFailedError" not in line and classify_text(line) == Failure.CRASH]
    if not own or classify_text(log) not in (Failure.CRASH, Failure.COLLECTIVE) or died_of_signal(log):
        return []
    return [(Failure.CRASH, short(own[0]))]


def _notes(end: GangEnd, waited: float) -> list[str]:
    notes = []
    if not end.exited:
        notes.append(f"its work was complete, but it had not ended after {waited:g} s of silence; it was ended")
    if end.left:
        left = "a process" if end.left == 1 else f"{end.left} processes"
        notes.append(f"{left} that it had left running {'was' if end.left == 1 else 'were'} ended")
    return notes
