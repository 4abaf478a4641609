"""Homes with a claim to challenge: made-up numbers, or a small sweep whose jobs run in this process."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import Job
from jobs.workplace import Workplace
from tests.sweeps.made_up import file, play

Claim = Callable[..., Workplace]
NOISE = 0.002
"""Deviation of a gain by training, about."""


def scores(gain: float, fresh_gain: float | None = None, last_seed: int = 5) -> Callable[[Job], float]:
    """Scores that adapting lowers by a gain, on seeds after the last by another one; trainings differ much more."""

    def bpb(job: Job) -> float:
        seed, adapts = job.seed, job.settings["eval"]["protocol"] != "none"
        training = 1.2 + 0.01 * math.sin(5 * seed)
        true = gain if seed <= last_seed or fresh_gain is None else fresh_gain
        return training - (true + NOISE * math.sin(9.1 * seed)) * adapts

    return bpb


def two_arms(name: str, **changes: Any) -> dict[str, Any]:
    """A sweep whose arm `adapted` claims to be better than its baseline."""
    arms = [{"name": "base", "baseline": True, "eval": {"preset": "none"}}, {"name": "adapted", "eval": {"lr": 0.02}}]
    return file(name, **{"arm": arms, **changes})


@pytest.fixture
def claim_home(tmp_path: Path) -> Iterator[Claim]:
    """Makes a home with a finished sweep `main` of made-up scores."""
    opened: list[Workplace] = []

    def make(bpb: Callable[[Job], float], **changes: Any) -> Workplace:
        opened.append(Workplace.open(tmp_path / f"home {len(opened)}"))
        play(opened[-1], two_arms("main", **changes), bpb)
        return opened[-1]

    yield make
    for workplace in opened:
        workplace.store.close()
