"""What a job takes on a machine, from short jobs that were run there, or else by what is usual for such a machine."""

import json
from statistics import median

from jobs.spec import Order
from jobs.stages.registry import stage_of
from jobs.stages.stage import Stage, WorkSizes
from sweeps.spec.settings import flatten
from sweeps.speed.nominal import START_SECONDS, WORKER_SECONDS, guess_seconds, least_rate, slowness
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
        clocks = [self._scaled(peer, clock, stage.work(order, clock, sizes)) for clock in peer.clocks]
        own = stage.bound_seconds(order.job, sum(clocks))
        return median(sample.overhead for sample in alike) + own

    def _scaled(self, peer: Sample, clock: str, work: float) -> float:
        least = least_rate(peer.job, clock, self._speed)
        return scale(peer.clocks[clock], peer.work.get(clock, 0.0), work, least)

    def guessed(self, order: Order, sizes: WorkSizes) -> float | None:
        """Seconds, from nominal figures; None for what cannot be known, such as a script's time."""
        stage = stage_of(order.job)
        if not stage.clocks or (clocks := self._guessed_clocks(stage, order, sizes)) is None:
            return None
        own = stage.bound_seconds(order.job, sum(clocks))
        return START_SECONDS[self._kind][stage.is_gang] * slowness(order.job.machine.device, self._speed) + own

    def _guessed_clocks(self, stage: Stage, order: Order, sizes: WorkSizes) -> list[float] | None:
        """What each of a job's clocks is guessed to show."""
        seconds = []
        for clock in stage.clocks:
            guess = guess_seconds(order.job, clock, stage.work(order, clock, sizes), self._speed)
            if guess is None:
                return None
            seconds.append(guess)
        return seconds


def scale(seconds: float, own: float, work: float, least_rate: float) -> float:
    """What a clock that showed `seconds` for its `own` work would have shown for other `work`.

    A sample's first seconds are spent on more than its work: reading, allocating. So more work is taken to go at
    `least_rate` at least, in work per second; equal work takes as long, and nothing is known of unknown work (0).
    """
    if not work or not own or not seconds:
        return seconds
    if work <= own:
        return seconds * work / own
    return seconds + (work - own) / max(own / seconds, least_rate)


def _distance(sample: Sample, order: Order) -> int:
    """In how many settings, apart from its documents, a sample differs from an order's job."""
    own, other = flatten(order.job.settings), flatten(sample.job.settings)
    names = {name for name in own.keys() | other.keys() if not name.startswith("documents.")}
    return sum(json.dumps(own.get(name)) != json.dumps(other.get(name)) for name in names)
