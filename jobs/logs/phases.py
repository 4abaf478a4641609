"""How far a run is: its training by steps and seconds, then the phases that follow it."""

import re
from collections.abc import Mapping
from typing import Literal, get_args

from jobs.logs.log import ScoreStage
from jobs.logs.score_lines import read_score
from jobs.logs.step_lines import Step, read_step

Phase = Literal["train", "quantize", "roundtrip", "sliding", "adapted"]
PHASES: tuple[Phase, ...] = get_args(Phase)
"""In the order in which scripts run them."""
TYPICAL_SECONDS: Mapping[Phase, float] = {"train": 600, "quantize": 60, "roundtrip": 20, "sliding": 90, "adapted": 400}
"""How long the phases of public records took, about: their shares where nothing else is known."""
ALMOST = 0.99
"""The most that a phase shows by what is printed within it."""
LEAST_SHARE = 0.02
"""Share of a training from which its speed says how long all of it takes."""

_AFTER: Mapping[ScoreStage, Phase] = {
    "trained": "train",
    "roundtrip": "roundtrip",
    "sliding": "sliding",
    "adapted": "adapted",
}
_WARMUP = re.compile(r"^(?:\w{1,20}_)?warmup(?:_step)?: ?(\d{1,6})/(\d{1,6})\b", re.ASCII)
_QUANTIZES = re.compile(r"^(?:Serialized model|gptq:(?!reserving)|Quantized weights)", re.ASCII | re.IGNORECASE)
_SLIDES = re.compile(r"^\s*sliding_eval \[ *(\d{1,3}(?:\.\d{1,3})?)%\]", re.ASCII)
_CHUNK = re.compile(r"^\s*ttt_chunk \[(\d{1,7})/(\d{1,7})\]", re.ASCII)
_BATCH = re.compile(r"^(?:ttp: b|ttt_progress: batch )(\d{1,7})/(\d{1,7})\b", re.ASCII)
"""Batches end in any order, and only one process prints those of its own."""
_GLOBAL_CHUNK = re.compile(r"^tttg: c(\d{1,7})/(\d{1,7})\b", re.ASCII)
_ADAPT_PHASE = re.compile(r"^ttpp: phase: ?(\d{1,4})/(\d{1,4})\b", re.ASCII)
_ADAPTS = re.compile(r"^ttt_(?:lora|phased|sliding):", re.ASCII)


class PhaseReader:
    """Follows a run through its phases, line by line."""

    def __init__(
        self, limit_seconds: float | None, durations: Mapping[str, float] | None, metric: ScoreStage | None
    ) -> None:
        """Start before the first phase.

        Args:
            limit_seconds: of training; None where the script has none but the one that it prints.
            durations: phase → seconds in earlier runs; a phase that is not there is not expected.
            metric: what the run's metric measures: without earlier runs, no phase is expected after it.
        """
        self._limit = limit_seconds
        last = PHASES[-1] if metric is None else _AFTER[metric]
        typical: dict[str, float] = {phase: TYPICAL_SECONDS[phase] for phase in PHASES[: PHASES.index(last) + 1]}
        self._seconds: dict[str, float] = typical if durations is None else dict(durations)
        self._has_history = durations is not None
        self._phase: Phase | None = None
        self._seen: set[Phase] = set()
        self._part = 0.0
        self._most = 0.0
        self._batches: set[int] = set()
        self._adapt_phases = 0.0
        self.note = "starting"
        """What it does, in words."""

    @property
    def fraction(self) -> float:
        """Share of the run that is done, 0 … 1; it never falls."""
        if self._phase is not None:
            now = PHASES.index(self._phase)
            passed = [phase for phase in PHASES[:now] if phase in self._seen]
            coming = [phase for phase in PHASES[now + 1 :] if phase in self._seconds]
            done = sum(map(self._weight, passed)) + self._part * self._weight(self._phase)
            total = sum(map(self._weight, [*passed, self._phase, *coming]))
            self._most = max(self._most, done / total)
        return self._most

    @property
    def in_training(self) -> bool:
        """Whether its training has begun and is not at its end, as far as its lines tell."""
        return self._phase == "train" and self._part < 1

    def read(self, line: str, settings: Mapping[str, str], *, whole: bool) -> None:
        """Take in a line of results.

        Args:
            line: without prefixes and its end.
            settings: the run's settings as printed before it.
            whole: whether the line ended.
        """
        if step := read_step(line):
            self._read_step(step, settings)
        elif (score := read_score(line, whole=whole)) and not score.of_training:
            self._enter(_AFTER[score.value.stage], 1.0, f"{score.value.name} {score.value.bpb}")
        elif _QUANTIZES.match(line):
            self._enter("quantize", 0.0, "quantizing")
        elif match := _SLIDES.match(line):
            share = min(float(match[1]) / 100, ALMOST)
            self._enter("sliding", share, f"evaluating in overlapping windows: {match[1]} %")
        elif _ADAPTS.match(line):
            self._enter("adapted", 0.0, "adapting")
        elif match := _CHUNK.match(line):
            self._adapt(_ratio(match), f"adapting: {match[1]} of {match[2]}")
        elif match := _BATCH.match(line):
            self._read_batch(match, settings)
        elif match := _ADAPT_PHASE.match(line):
            self._adapt_phases = _ratio(match)
            self._adapt(self._adapt_phases / 2, f"adapting: phase {match[1]} of {match[2]}")
        elif match := _GLOBAL_CHUNK.match(line):
            self._adapt(self._adapt_phases / 2, f"adapting to all documents: {match[1]} of {match[2]}")
        elif self._phase is None and (match := _WARMUP.match(line)):
            self.note = f"warming up: {match[1]} of {match[2]}"

    def _weight(self, phase: Phase) -> float:
        return max(self._seconds.get(phase, TYPICAL_SECONDS[phase]), 1.0)

    def _enter(self, phase: Phase, part: float, note: str) -> None:
        """Be in a phase, or further in it; a line of an earlier phase changes nothing."""
        if self._phase is not None and PHASES.index(phase) < PHASES.index(self._phase):
            return
        self._part = part if phase != self._phase else max(part, self._part)
        self._phase = phase
        self._seen.add(phase)
        self.note = note

    def _adapt(self, part: float, note: str) -> None:
        self._enter("adapted", min(part, ALMOST), note)

    def _read_batch(self, match: re.Match[str], settings: Mapping[str, str]) -> None:
        """One process prints its own batches; the others are as far."""
        total = int(match[2])
        if total == 0 or len(self._batches) > total:
            return
        self._batches.add(int(match[1]))
        processes = int(settings.get("world_size", "1")) if settings.get("world_size", "1").isdecimal() else 1
        done = min(len(self._batches) * max(processes, 1), total)
        share = done / total
        self._adapt((self._adapt_phases + share) / (2 if self._adapt_phases else 1), f"adapting: {done} of {total}")

    def _read_step(self, step: Step, settings: Mapping[str, str]) -> None:
        if step.stops_early:
            self._enter("train", 1.0, "training stopped at its limit")
            return
        says = (step.train_loss, step.val_loss, step.about_seconds)
        if step.number is None or not step.total or all(value is None for value in says):
            return  # a progress bar of something else
        seconds, limit = step.about_seconds or 0.0, self._limit_of(settings)
        by_steps = min(step.number / step.total, 1.0)
        share = max(by_steps, min(seconds / limit, ALMOST) if limit else 0.0)
        words = [f"step {step.number}/{step.total}"]
        if (loss := step.train_loss if step.val_loss is None else float(step.val_loss)) is not None:
            words.append(f"{'loss' if step.val_loss is None else 'validation loss'} {loss:.4g}")
        if 0 < share < 1 and seconds:
            left = round(seconds * (1 - share) / share)
            words.append(f"{left // 60}:{left % 60:02d} left")
        if not self._has_history and seconds and share > LEAST_SHARE:
            self._seconds["train"] = seconds / share
        self._enter("train", share, ", ".join(words))

    def _limit_of(self, settings: Mapping[str, str]) -> float | None:
        """Seconds after which the training stops: what the log prints, less what is kept for quantization."""
        printed = _number(settings.get("max_wallclock_seconds"))
        if printed is None:
            return self._limit
        return max(printed - (_number(settings.get("gptq_reserve_seconds")) or 0.0), 0.0) or None


def _ratio(match: re.Match[str]) -> float:
    return int(match[1]) / int(match[2]) if int(match[2]) else 0.0


def _number(text: str | None) -> float | None:
    return float(text) if text is not None and re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", text, re.ASCII) else None
