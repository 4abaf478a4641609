"""What follows from a failure: whether the job is tried again, where, how often, and what a person should know.

Pure functions on plain data. No job is tried for ever: each kind of failure has its bound, and so have all together
that are the job's own fault. Only slots that are not free are waited for (`cluster.scheduling.state.resting`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.events import Failure
from jobs.store import AttemptRecord

MAX_FAILURES = 3
"""Attempts that may fail by the job's own fault, of whatever kind."""
MAX_LOST = 20
"""Attempts that may be lost: so many in a row mean that the job itself kills its nodes."""
MAX_DIED = 5
"""Attempts whose worker may die on a living node: chance or an operator does not strike the same job so often."""
NODE_STRIKES = 3
"""Failures in a row on one node, of jobs of any kind, that set it aside."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How one kind of failure is dealt with."""

    counted: bool
    """Whether it is the job's own fault."""
    bound: float
    """Attempts of this failure after which the job has failed; 1: never tried again."""
    elsewhere: bool
    """Whether the next attempt goes to another node if there is one."""
    meaning: str
    """What happened and what can be done about it, in plain words."""


RULES: Mapping[Failure, Rule] = {
    Failure.LOST: Rule(
        counted=False, bound=MAX_LOST, elsewhere=True,
        meaning="its node went away or somebody killed it; tried again elsewhere, which counts against nobody",
    ),
    Failure.DIED: Rule(
        counted=False, bound=MAX_DIED, elsewhere=True,
        meaning="its worker was killed or crashed while its node lived on, perhaps for want of memory; tried again "
        f"elsewhere, {MAX_DIED} times at most",
    ),
    Failure.UNFIT: Rule(
        counted=False, bound=math.inf, elsewhere=True,
        meaning="its slots were not free: something that is not ours runs there; tried again elsewhere, or later",
    ),
    Failure.CRASH: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=False, meaning="its process ended with an error; the log says where"
    ),
    Failure.DIVERGED: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning="loss or gradient stopped being finite, twice, on two nodes if there are two; lower a learning rate",
    ),
    Failure.GPU_MEMORY: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning="the model did not fit the GPU's memory; fewer tokens a batch, or a smaller model",
    ),
    Failure.HOST_MEMORY: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="its node ran out of memory and the kernel or Ray killed it; fewer slots, or more memory a node",
    ),
    Failure.HANG: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="it showed no advance for longer than its deadline and was ended; the log has what it printed last",
    ),
    Failure.COLLECTIVE: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="a rank waited for the others in vain (NCCL or gloo); a GPU, link or driver of that node may be broken",
    ),
    Failure.DISK_FULL: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning='its node has no disk space left; free some, then run again',
    ),
    Failure.BAD_CONFIGURATION: Rule(
        counted=True, bound=1, elsewhere=False,
        meaning="what it was given is wrong; the reason says what would be right",
    ),
    Failure.OVER_TIME: Rule(
        counted=True, bound=1, elsewhere=False, meaning="it did not fit the time it was given"
    ),
    Failure.TOO_LARGE: Rule(
        counted=True, bound=1, elsewhere=False,
        meaning="the artifact does not fit the challenge's bytes; fewer bits, a stronger codec or a smaller model",
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What follows from one failure."""

    counted: bool
    final: bool


def judge(failure: Failure, earlier: Sequence[Failure]) -> Verdict:
    """Decide what follows from a failure, given those of the job's earlier attempts since it was last asked for."""
    rule = RULES[failure]
    same = earlier.count(failure) + 1
    faults = sum(RULES[one].counted for one in earlier) + rule.counted
    return Verdict(counted=rule.counted, final=same >= rule.bound or (rule.counted and faults >= MAX_FAILURES))


def failed_since(attempts: Sequence[AttemptRecord], asked: int) -> list[tuple[str, Failure]]:
    """Node and failure of a job's failed attempts, of those numbered above `asked`: since it was last asked for."""
    return [
        (one.node or "", Failure(one.failure)) for one in attempts if one.failure is not None and one.number > asked
    ]


def avoided(nodes: Sequence[tuple[str, Failure]]) -> frozenset[str]:
    """Nodes that a job should not go back to, by the node and failure of its earlier attempts."""
    return frozenset(node for node, failure in nodes if RULES[failure].elsewhere)


def strikes(failure: Failure) -> bool:
    """Whether a failure speaks against the node that it happened on as much as against the job."""
    return failure in (Failure.HANG, Failure.COLLECTIVE, Failure.DISK_FULL)
