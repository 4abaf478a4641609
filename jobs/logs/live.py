"""PLACEHOLDER of part K: replaced by part G's LiveLog."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_NAN = re.compile(rb"step:?\s*\d+\S* .*\b(?:nan|inf)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MetricReading:
    name: str
    values: tuple[float, ...]

    @property
    def value(self) -> float | None:
        return self.values[0] if len(self.values) == 1 else None


class LiveLog:
    def __init__(self, metric: str | None, limit_seconds: float | None) -> None:
        self._metric, self._rest, self._values = metric, {}, []  # type: ignore[var-annotated]
        self.nan: str | None = None
        self.stopped_early = False
        self._progress = (0.0, "")

    def feed(self, file: str, content: bytes) -> None:
        lines = (self._rest.get(file, b"") + content).split(b"\n")
        self._rest[file] = lines.pop()[-65536:]
        for line in lines:
            if self.nan is None and _NAN.search(line):
                self.nan = line.decode(errors="replace")
            if found := re.search(rb"step:(\d+)/(\d+)", line):
                self._progress = (int(found[1]) / max(1, int(found[2])), found[0].decode())
            if self._metric is None:
                continue
            pattern = self._metric if "(" in self._metric else rf"\b{self._metric}\b.* val_bpb:\s*([\d.]+)"
            if (found := re.search(pattern.encode(), line)) and float(found[1]) not in self._values:
                self._values.append(float(found[1]))

    def progress(self) -> tuple[float, str]:
        return self._progress

    def metric(self) -> MetricReading:
        return MetricReading(self._metric or "", tuple(self._values))

    def scores(self) -> Mapping[str, float]:
        return {}

    def clocks(self) -> Mapping[str, float]:
        return {}

    def bytes(self) -> Mapping[str, int]:
        return {}
