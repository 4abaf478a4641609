"""Further seeds of an entry that are trained and quantized, but not evaluated (`confirm.train_only`).

A training leaves its score before quantization by way of the quantize stage, which compares artifact and weights on the
validation set. The leaderboard estimates the entry's mean from it (`sweeps.statistics.double_sampling`).
"""

from collections.abc import Sequence
from dataclasses import replace

from jobs.stages.quantize import QUANTIZE
from jobs.state import JobState
from sweeps.driver.chain import JobChain
from sweeps.driver.requests import JobRequests
from sweeps.spec.file import SweepSpec
from sweeps.spec.orders import Measurement


def train_only_seeds(spec: SweepSpec) -> range:
    """The seeds: numbers after the largest one that the file names, so that none has decided anything."""
    named = (
        *spec.seeds.tune,
        *spec.seeds.confirm,
        *spec.seeds.report,
        *(seed for arm in spec.arms for seed in arm.seeds),
    )
    first = max(named) + 1
    return range(first, first + spec.confirm_train_only)


def pursue_trainings(requests: JobRequests, spec: SweepSpec, measurements: Sequence[Measurement]) -> list[JobChain]:
    """Request the jobs of every entry's train-only seeds, as far as they go.

    Args:
        requests: of the sweep.
        spec: the sweep.
        measurements: one of each entry, of any seed.
    """
    pipeline = spec.pipeline()
    stages, scored = pipeline.scoring()[:-1], pipeline.scored
    chains = []
    for measurement in measurements:
        for seed in train_only_seeds(spec):
            alone = replace(measurement, seed=seed)
            advance = requests.advance(alone, stages)
            chains.append(JobChain(measurement=alone, scored=scored, jobs=advance.jobs, complete=not advance.open))
    return chains


def is_trained(chain: JobChain) -> bool:
    """Whether a train-only seed has its score before quantization."""
    return QUANTIZE.name in chain.jobs and chain.jobs[QUANTIZE.name].state == JobState.DONE
