"""Short jobs that were run to measure a machine, and the file that keeps them."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from golf.files import write_atomically
from jobs.machine.host import identity
from jobs.spec import Job

VERSION = 1
"""Of the file's form; files of another form count as missing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """A short job that was run and timed."""

    job: Job
    slots: int
    seconds: float
    """All of it, on a worker that was there already or had to start."""
    clocks: Mapping[str, float]
    """Seconds of its own work by clock of its stage (`Stage.clocks`)."""
    work: Mapping[str, float]
    """What each clock counts, as `Stage.work` counts it; 0 where that is not known."""

    @property
    def overhead(self) -> float:
        """Seconds that are on none of its clocks."""
        return max(0.0, self.seconds - sum(self.clocks.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Speed:
    """What is known of a machine's speed."""

    samples: Sequence[Sample] = ()
    seconds: float = 0.0
    """How long measuring took, all starts included."""
    core_flops: float | None = None
    """Operations per second of a matrix product on one core; None on a GPU, or where it was not measured."""
    tried: frozenset[str] = frozenset()
    """Digests of the short jobs that were started, those that did not end in time included."""

    def covers(self, jobs: Sequence[Job]) -> bool:
        """Whether each of these jobs was tried, whatever its data and its seed."""
        return all(shape_of(job) in self.tried for job in jobs)

    def joined(self, newer: "Speed") -> "Speed":
        """Both; of equal jobs the newer."""
        shapes = {shape_of(sample.job) for sample in newer.samples}
        kept = [sample for sample in self.samples if shape_of(sample.job) not in shapes]
        return Speed(
            samples=(*kept, *newer.samples),
            seconds=newer.seconds or self.seconds,
            core_flops=newer.core_flops or self.core_flops,
            tried=self.tried | newer.tried,
        )


NOT_MEASURED = Speed()


def shape_of(job: Job) -> str:
    """A digest of what equal samples have in common, whatever their data and seed."""
    parts = [job.stage, job.settings, asdict(job.machine), job.arithmetic]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def speed_file() -> Path:
    """The file in the user's cache folder: a machine is as fast in any home, and a plan makes no home."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "golfsweep" / "speed.json"


def read_speed() -> Speed:
    """What is known of this machine's speed; nothing where there is no file of it, or one that cannot be read."""
    try:
        content = json.loads(speed_file().read_text(encoding="utf-8"))
        if content["version"] != VERSION:
            return Speed()
        return _from_json(content["machines"].get(identity(), {}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Speed()


def keep_speed(speed: Speed) -> bool:
    """Keep what was measured of this machine; returns whether it could be written."""
    path = speed_file()
    try:
        machines = json.loads(path.read_text(encoding="utf-8"))["machines"]
        others = dict(machines)
    except (OSError, ValueError, KeyError, TypeError):
        others = {}
    content = {"version": VERSION, "machines": {**others, identity(): _to_json(speed)}}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(content, indent=1).encode())
    except OSError:
        return False
    return True


def _to_json(speed: Speed) -> dict[str, Any]:
    samples = [
        {
            "job": sample.job.canonical(),
            "slots": sample.slots,
            "seconds": sample.seconds,
            "clocks": dict(sample.clocks),
            "work": dict(sample.work),
        }
        for sample in speed.samples
    ]
    return {
        "seconds": speed.seconds,
        "core_flops": speed.core_flops,
        "tried": sorted(speed.tried),
        "samples": samples,
    }


def _from_json(content: Mapping[str, Any]) -> Speed:
    samples = [
        Sample(
            job=Job.from_json(given["job"]),
            slots=int(given["slots"]),
            seconds=float(given["seconds"]),
            clocks={name: float(value) for name, value in given["clocks"].items()},
            work={name: float(value) for name, value in given["work"].items()},
        )
        for given in content.get("samples", [])
    ]
    core = content.get("core_flops")
    return Speed(
        samples=tuple(samples),
        seconds=float(content.get("seconds", 0.0)),
        core_flops=None if core is None else float(core),
        tried=frozenset(map(str, content.get("tried", []))),
    )
