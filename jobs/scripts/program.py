"""A participant's script as the program of a gang: unchanged, in an empty folder, and watched while it runs."""

import re
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from jobs.events import Failed, Failure, Finished
from jobs.logs.live import LiveLog
from jobs.logs.metric import LAST
from jobs.logs.step_rate import first_rate
from jobs.program import LOG, Complete, GangEnd, GangPace, Program
from jobs.scripts.kept import KeptFiles
from jobs.scripts.place import put_code, values_of
from jobs.scripts.placeholders import fill
from jobs.scripts.results.ended import EndedScript, name_exception
from jobs.scripts.results.log_files import LogFiles
from jobs.scripts.results.metric_value import diverged, read_metric
from jobs.scripts.results.outputs import Outputs, inside
from jobs.scripts.run import LAST_SCORE, ScriptRun
from jobs.scripts.runtime import script_environment

RUN, ASIDE, SCORES = "run", "aside", "document_scores.npz"
"""Of an attempt's folder: the script's own folder, where writes to kept files go, and the file of `SCORES_VARIABLE`."""
SCORES_VARIABLE = "GOLFSWEEP_SCORES"
GRACE_SECONDS = 60.0
"""Time that a script gets to end after its work is complete."""
LEFT_BYTES = 2**20
"""Files of a script's folder that are larger than this are removed when it has ended."""
_LIMITED = re.compile(r"0*[1-9]\d*(?:\.\d*)?|0*\.\d*[1-9]\d*", re.ASCII)
"""A limit of seconds that is not 0, which means none."""


class ScriptProgram(Program):
    """One attempt at a run of a script."""

    def __init__(self, run: ScriptRun, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self.uses_torchrun = run.launch == "torchrun"
        self.python = run.python
        self.silence_seconds = run.silent_seconds
        self._run, self._grace = run, grace_seconds
        self._waited = grace_seconds
        """After how many seconds of silence its work counted as complete."""
        self._live = LiveLog(None if run.metric == LAST_SCORE else run.metric)
        self._printed = 0
        self._rate: float | None = None
        self._has_rate = False
        self._started = time.monotonic()

    # Before the start

    def prepare(self, folder: Path, inputs: Mapping[str, bytes]) -> None:
        """Put the script, the files beside it and earlier outputs into a folder of its own.

        Raises:
            InputError: a name leads out of that folder, or a placeholder means nothing.
            NotReady: this node lacks something that the script needs.
        """
        run, place = self._run, folder / RUN
        self._code, self._runtime = put_code(run, folder, place, inputs)
        kept = {inside(place, name, f"kept output {role}"): inputs[f"in:{role}"] for role, name in run.keep.items()}
        self._kept = KeptFiles(folder / ASIDE, kept)
        self._outputs = Outputs(place, run.outputs)
        self._logs = LogFiles(place)
        self._values = values_of(run, place)
        self._arguments = [fill(argument, self._values) for argument in run.args]
        self._settings = {name: fill(value, self._values) for name, value in run.env.items()}

    def command(self, folder: Path) -> Sequence[str]:
        self._started = time.monotonic()
        return [self._run.python, "-u", self._run.file, *self._arguments]

    def working_folder(self, folder: Path) -> Path | None:
        return folder / RUN

    def environment(self, folder: Path, own: Mapping[str, str]) -> Mapping[str, str]:
        clean = script_environment(self._run.python, own, self._run.passed)
        environment = clean | {SCORES_VARIABLE: str(folder / SCORES)} | self._settings
        return environment | self._kept.environment(self._run.python, environment)

    # While it runs

    def take_output(self, content: bytes) -> None:
        self._printed += len(content)
        self._live.feed(LOG, content)

    def heartbeat(self, folder: Path) -> object:
        self._read_logs()
        self._outputs.note_closed()
        return self._printed, self._logs.stamp

    def progress(self, folder: Path) -> tuple[float, str]:
        return self._live.progress()

    def steps_per_second(self, folder: Path) -> float | None:
        if not self._has_rate and (rate := first_rate(self._live.points())) is not None:
            limit = self._live.log().settings.get("max_wallclock_seconds", "0")
            self._has_rate, self._rate = True, rate if _LIMITED.fullmatch(limit) else None
        return self._rate

    def verdict(self, folder: Path, pace: GangPace) -> Failed | Complete | None:
        if (lost := diverged(self._live)) is not None:
            return lost
        if pace.quiet >= self._grace and self._is_complete(pace):
            return Complete()
        if pace.idle >= self._run.idle_seconds:
            return self._hangs()
        limit = self._run.max_seconds
        if limit is not None and pace.seconds > limit:
            return Failed(failure=Failure.OVER_TIME, reason=f"ran past max_seconds ({limit:g} s) and was ended")
        return None

    def _read_logs(self, *, last: bool = False) -> None:
        for name, content in self._logs.news(last=last):
            self._live.feed(name, content)

    def _is_complete(self, pace: GangPace) -> bool:
        """Whether a script that is silent has done all that its stage wants of it.

        Silence alone does not tell: a metric's pattern may fit an early line, and an evaluation is silent for long.
        """
        if pace.idle < self._grace and pace.quiet <= self._run.silent_seconds:
            return False
        metric = self._run.metric
        # Of a line that is printed all along, the last value so far does not tell that there are no more.
        gives_something = (metric is not None and not metric.startswith(LAST)) or bool(self._run.outputs)
        return gives_something and self._has_all

    @property
    def _has_all(self) -> bool:
        """Whether it has printed the metric of its stage, if there is one, and written all outputs."""
        metric = self._run.metric
        has_metric = metric is None or read_metric(self._live, metric)[1] is not None
        return has_metric and self._outputs.are_written

    def _hangs(self) -> Failed | Complete:
        """What becomes of a script that has done nothing at all for long: nothing more will come of it."""
        waited = self._run.idle_seconds
        if self._run.metric is not None and self._has_all and not self._live.in_training:
            self._waited = waited
            return Complete()
        reason = f"for {waited:g} s it printed nothing, wrote nothing and used no processor"
        return Failed(failure=Failure.HANG, reason=reason)

    # After its end

    def finish(self, folder: Path, end: GangEnd) -> Finished | Failed:
        self._read_to_end()
        return self._ended(folder).judge(end, self._waited)

    def written(self, folder: Path, failed: Failed) -> Finished:
        self._read_to_end()
        return self._ended(folder).keep_written(failed)

    def errors(self, folder: Path) -> list[tuple[Failure, str]]:
        return name_exception((folder / LOG).read_text(encoding="utf-8", errors="replace"))

    def _read_to_end(self) -> None:
        self._read_logs(last=True)
        self._live.end()

    def _ended(self, folder: Path) -> EndedScript:
        return EndedScript(
            run=self._run,
            log=folder / LOG,
            scores=folder / SCORES,
            live=self._live,
            kept=self._kept,
            outputs=self._outputs,
            code_bytes=sum(map(len, self._code.values())),
            runtime=self._runtime,
            started=self._started,
        )

    def clean(self, folder: Path) -> None:
        """Remove what is large, and what was put there: logs and small files stay to explain the attempt."""
        shutil.rmtree(folder / ASIDE, ignore_errors=True)
        (folder / SCORES).unlink(missing_ok=True)
        for path in (folder / RUN).rglob("*"):
            if not path.is_symlink() and path.is_file() and path.stat().st_size > LEFT_BYTES:
                path.unlink(missing_ok=True)
