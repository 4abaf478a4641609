"""Driving a sweep while its cluster comes and goes."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from golf.errors import InputError
from jobs.spec import Machine
from sweeps import session
from sweeps.outcome import Snapshot
from sweeps.sweep import Sweep
from tests.sweeps.made_up_world import DATA, MACHINE, spec_of

OPEN = Snapshot(stage="train", done=False, jobs=(), trials=0, trials_done=0, best=None, to_come={})
DONE = Snapshot(stage="done", done=True, jobs=(), trials=0, trials_done=0, best=None, to_come={})


class Role:
    """A cluster of as many slots, and as wide a node, as a list says, look after look; its end is the sweep's."""

    schedules = True

    def __init__(self, sizes: Sequence[tuple[int, int]]) -> None:
        self.sizes = list(sizes)

    def slots(self, machine: Machine) -> tuple[int, int]:
        return self.sizes.pop(0)

    def step(self, seconds: float) -> None:
        pass

    @property
    def driver(self) -> Any:
        return self

    def snapshot(self) -> Snapshot:
        return OPEN if self.sizes else DONE


class Driver:
    def __init__(self, role: Role) -> None:
        self.step = role.snapshot


def drive(*sizes: tuple[int, int]) -> list[str]:
    """What is said while a sweep whose gangs take two slots is driven."""
    said: list[str] = []
    role, sweep = Role(sizes), Sweep(spec=spec_of(), data=DATA, machine=MACHINE)
    session._work(cast(Any, Driver(role)), sweep, cast(Any, role), lambda *_: None, said.append)
    return said


def test_a_job_that_is_wider_than_every_node_there_ever_was_is_refused() -> None:
    with pytest.raises(InputError, match="a job needs 2 slots of one node; the largest has 1"):
        drive((0, 0), (4, 1))


def test_a_wide_node_that_was_there_is_waited_for_and_said_once_each_time() -> None:
    said = drive((4, 2), (2, 1), (2, 1), (0, 0), (4, 2), (2, 1))
    assert len(said) == 2
    assert all(
        "No good node of this sweep's class (cpu) with 2 slots is there; waiting for one." in one for one in said
    )
