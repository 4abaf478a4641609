"""What a job takes on a machine, from short jobs that were run there, or else by what is usual for such a machine."""

import json
from statistics import median

from jobs.spec import Order
from jobs.stages.registry import stage_of
from jobs.stages.stage import Stage, WorkSizes
from sweeps.spec.settings import flatten
from sweeps.speed.nominal import START_SECONDS, WORKER_SECONDS, guess_seconds
from sweeps.speed.samples import Sample, Speed


class SpeedEstimates:
    """Seconds of jobs, from a machine's speed."""

    def __init__(self, speed: Speed, device: str) -> None:
        """Take samples of this device model; those of others say nothing."""
        self._speed = speed
        self._samples = [sample for sample in speed.samples if sample.job.machine.device == device]
        self._kind = "cuda" if device.startswith("cuda") else "cpu"

    @property
    def start_seconds(self) -> float:
        """Start of a worker's process: by how much the longest overhead of a worker's job is over the usual one."""
        overheads = [sample.overhead for sample in self._samples if not stage_of(sample.job).is_gang]
        return max(overheads) - median(overheads) if overheads else WORKER_SECONDS[self._kind]

    def measured(self, order: Order, sizes: WorkSizes) -> float | None:
        """Seconds, from the most similar sample of its stage; None where there is none."""
        stage, alike = stage_of(order.job), [sample for sample in self._samples if sample.job.stage == order.job.stage]
        if not alike:
            return None
        peer = min(alike, key=lambda sample: _distance(sample, order))
        clocks = {clock: _scale(peer, clock, stage.work(order, clock, sizes)) for clock in peer.clocks}
        own = stage.bound_seconds(order.job, sum(clocks.values()))
        return median(sample.overhead for sample in alike) + own

    def guessed(self, order: Order, sizes: WorkSizes) -> float | None:
        """Seconds, from nominal figures; None for what cannot be known, such as a script's time."""
        stage = stage_of(order.job)
        if not stage.clocks or (clocks := self._guessed_clocks(stage, order, sizes)) is None:
            return None
        own = stage.bound_seconds(order.job, sum(clocks))
        return START_SECONDS[self._kind][stage.is_gang] + own

    def _guessed_clocks(self, stage: Stage, order: Order, sizes: WorkSizes) -> list[float] | None:
        """What each of a job's clocks is guessed to show."""
        seconds = []
        for clock in stage.clocks:
            guess = guess_seconds(order.job, clock, stage.work(order, clock, sizes), self._speed)
            if guess is None:
                return None
            seconds.append(guess)
        return seconds


def _scale(peer: Sample, clock: str, work: float) -> float:
    """What a clock of a sample would have shown for other work; as it did where either is not known."""
    own = peer.work.get(clock, 0.0)
    return peer.clocks[clock] * (work / own if work and own else 1.0)


def _distance(sample: Sample, order: Order) -> int:
    """In how many settings, apart from its documents, a sample differs from an order's job."""
    own, other = flatten(order.job.settings), flatten(sample.job.settings)
    names = {name for name in own.keys() | other.keys() if not name.startswith("documents.")}
    return sum(json.dumps(own.get(name)) != json.dumps(other.get(name)) for name in names)
