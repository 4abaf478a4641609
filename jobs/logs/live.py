"""The output of a script while it grows: how far it is, its scores, its metric, and whether its training is lost.

It reads the same lines in the same way as `parse` reads a log that is complete.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from jobs.logs.lines import Line
from jobs.logs.log import SCORE_STAGES, Log, merge_logs
from jobs.logs.metric import MetricReader, MetricReading
from jobs.logs.parsing import LogReader
from jobs.logs.phases import PhaseReader
from jobs.logs.step_lines import Step, read_step

Content = bytes
"""The type; `LiveLog.bytes` has its name."""
OUTPUT = "log.txt"
"""The file of what all processes of a script printed; its other files are logs of its own."""
MAX_POINTS = 2000
"""Of a training curve."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a training curve."""

    step: int
    loss: float
    """Nats per token."""
    seconds: float | None
    """Of training."""


class TrainingCurve:
    """Points of bounded number: of a long training every second, fourth, … is kept."""

    def __init__(self) -> None:
        self.points: list[Point] = []
        self._stride = 1
        self._steps = 0

    def add(self, point: Point) -> None:
        """Take in the next step."""
        if self._steps % self._stride == 0:
            self.points.append(point)
        self._steps += 1
        if len(self.points) > MAX_POINTS:
            self.points = self.points[::2]
            self._stride *= 2


@dataclass(slots=True)
class _File:
    """One file of a run."""

    name: str
    reader: LogReader
    metric: MetricReader | None
    training: TrainingCurve = field(default_factory=TrainingCurve)
    validation: TrainingCurve = field(default_factory=TrainingCurve)

    def add(self, step: Step) -> None:
        """Take in a step's losses."""
        for loss, curve in ((step.train_loss, self.training), (step.val_loss, self.validation)):
            if step.number is not None and loss is not None:
                curve.add(Point(step.number, float(loss), step.about_seconds))


class LiveLog:
    """Reads the output of one run as it appears.

    It has no clock and opens no file. Several files may say the same; each is read by itself.
    """

    def __init__(
        self,
        metric: str | None = None,
        limit_seconds: float | None = None,
        *,
        durations: Mapping[str, float] | None = None,
    ) -> None:
        """Start before the first byte.

        Args:
            metric: the name of a known line, such as "legal_ttt_exact", or a regular expression with one group.
            limit_seconds: limit of the training until the log prints its own.
            durations: phase (`jobs.logs.phases.PHASES`) → seconds in earlier runs.

        Raises:
            InputError: the metric is no name and no regular expression with one group.
        """
        self._metric = None if metric is None else MetricReader(metric)
        self._name = metric
        self._phases = PhaseReader(limit_seconds, durations, None if self._metric is None else self._metric.stage)
        self._files: dict[str, _File] = {}
        self._nan: str | None = None

    def feed(self, file: str, content: Content) -> None:
        """Read what a file has gained.

        Args:
            file: its name, "log.txt" for what all processes printed.
            content: its new bytes, which may begin and end anywhere.
        """
        if (of := self._files.get(file)) is None:
            wanted = None if self._metric is None else self._metric.pattern
            own = MetricReader(self._name) if self._name and self._metric and self._metric.only_last else self._metric
            of = self._files[file] = _File(file, LogReader(wanted), own)
        self._read(of, of.reader.feed(content))

    def end(self) -> None:
        """Read the last line of every file, which may have no end: nothing follows."""
        for of in self._files.values():
            self._read(of, of.reader.end())

    def progress(self) -> tuple[float, str]:
        """How far the run is, 0 … 1, never falling, and a note for a person."""
        return self._phases.fraction, self._phases.note

    @property
    def in_training(self) -> bool:
        """Whether its training has begun and is not at its end, as far as its lines tell."""
        return self._phases.in_training

    @property
    def nan(self) -> str | None:
        """The first line with a loss that is infinite or not a number; None while there is none."""
        return self._nan

    def metric(self) -> MetricReading:
        """The metric's values; None is read where the run has no metric."""
        if self._metric is None:
            return MetricReading(name=None)
        if not self._metric.only_last:
            return self._metric.reading()
        # Which file is read last is chance: the one that has most of the values has the last one.
        readers = {of.name: of.metric for of in self._files.values() if of.metric is not None}
        best = max(readers, key=lambda name: (readers[name].taken, name == OUTPUT, name), default=None)
        return self._metric.reading() if best is None else readers[best].reading()

    def log(self) -> Log:
        """All that was read, as from a run with several logs: the script's own first, whose lines nobody cuts."""
        names = sorted(self._files, key=lambda name: (name == OUTPUT, name))
        logs = [self._files[name].reader.log() for name in names]
        return merge_logs(logs) if logs else Log()

    def scores(self) -> dict[str, float]:
        """Name of a line, without "_exact" → the bits per byte that it printed last, with the most digits."""
        log = self.log()
        return {score.name: float(score.bpb) for stage in SCORE_STAGES for score in log.of_stage(stage)}

    @property
    def stopped_early(self) -> bool:
        """Whether the training says that it stopped at a limit."""
        return any(of.reader.runs for of in self._files.values())

    def clocks(self) -> Mapping[str, float]:
        """Seconds that the log names: "train_seconds", "eval_seconds", and "PHASE_seconds" of each score's phase."""
        log = self.log()
        of_phases = {
            f"{stage}_seconds": score.seconds
            for stage in SCORE_STAGES
            for score in log.of_stage(stage)
            if score.seconds is not None
        }
        name = None if self._name is None else self._name.replace("_exact", "")
        last = ([score for score in log.scores if score.name == name] or log.scores)[-1:]
        seconds = {"train_seconds": log.train_seconds, "eval_seconds": log.seconds_of(last[0]) if last else None}
        return of_phases | {name: value for name, value in seconds.items() if value is not None}

    def bpb_per_nat(self, name: str | None) -> float | None:
        """Bits per byte of one nat per token, from the score of a name, or the last, whose line has both; else None."""
        log, short = self.log(), None if name is None else name.replace("_exact", "")
        both = [score for score in log.scores if score.loss]
        chosen = ([score for score in both if score.name == short] or both)[-1:]
        return float(chosen[0].bpb / chosen[0].loss) if chosen and chosen[0].loss else None

    def bytes(self) -> Mapping[str, int]:
        """Bytes that the log names: "artifact", "code" (as shipped) and "total"."""
        log = self.log()
        sizes = {"artifact": log.model_bytes, "code": log.code_bytes, "total": log.total_bytes}
        return {name: size for name, size in sizes.items() if size is not None}

    def points(self) -> list[Point]:
        """The curve of the training's losses, from the file that has most of it; of its validations if it has none."""
        files = self._files.values()
        training = max((of.training.points for of in files), key=len, default=[])
        return training or max((of.validation.points for of in files), key=len, default=[])

    def metrics(self) -> Content:
        """The training curve as lines of JSON, as a native training leaves it: step, loss, seconds."""
        rows = ({"step": point.step, "loss": point.loss, "seconds": point.seconds} for point in self.points())
        return "".join(json.dumps(row) + "\n" for row in rows).encode()

    def _read(self, of: _File, lines: Iterable[Line]) -> None:
        results: list[Line] = []
        for line in lines:
            if of.reader.in_source:
                continue
            results.append(line)
            self._phases.read(line.text, of.reader.settings, whole=line.whole)
            if step := read_step(line.text):
                if step.lost and line.whole and self._nan is None:
                    self._nan = line.text
                of.add(step)
        if of.metric is not None and results:
            of.metric.read(results)
            self._nan = self._nan or of.metric.lost
