"""Retry rules: whether a failed job is retried, where and how often, and what the failure means to a person.

Pure functions on plain data. Each kind of failure has a bound on its retries, and so have all failures together that
are the job's own fault. Only slots in use have no bound: they back off instead (`cluster.scheduling.state.backoff`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jobs.events import Failure
from jobs.store import AttemptRecord

MAX_FAILURES = 3
"""Attempts that may fail by the job's own fault, of whatever kind, until the job has failed."""
MAX_LOST = 20
"""Attempts that may be lost: more mean that the job itself kills its nodes."""
MAX_DIED = 5
"""Attempts whose worker may die on a living node: chance or an operator does not hit one job more often."""
NODE_STRIKES = 3
"""Jobs in a row that must fail on a node to quarantine it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """How one kind of failure is handled."""

    counted: bool
    """Whether it is the job's own fault."""
    bound: float
    """Attempts with this failure after which the job has failed; 1: never retried."""
    elsewhere: bool
    """Whether the retry goes to another node if there is one."""
    meaning: str
    """What happened and what to do about it."""


RULES: Mapping[Failure, Rule] = {
    Failure.LOST: Rule(
        counted=False, bound=MAX_LOST, elsewhere=True,
        meaning="its node went away or somebody killed it; retried on another node; not counted as a failure",
    ),
    Failure.DIED: Rule(
        counted=False, bound=MAX_DIED, elsewhere=True,
        meaning="its worker was killed or crashed while its node lived on, perhaps because memory ran out; "
        f"retried on another node, {MAX_DIED} attempts at most",
    ),
    Failure.UNFIT: Rule(
        counted=False, bound=math.inf, elsewhere=True,
        meaning="somebody else's process uses its slots, nothing may be written in its folder, or its node is slow; "
        "retried on another node or later; not counted as a failure",
    ),
    Failure.NOT_READY: Rule(
        counted=False, bound=1, elsewhere=True,  # on each node that there is
        meaning="its node lacks a program, a module, data, or the interpreter of the sweep's other jobs; "
        "tried once on each node",
    ),
    Failure.CRASH: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=False, meaning="its process ended with an error; the log says where"
    ),
    Failure.DIVERGED: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning="loss or gradient was not finite, on two attempts; lower a learning rate",
    ),
    Failure.GPU_MEMORY: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning="the model did not fit into GPU memory; use fewer tokens per batch or a smaller model",
    ),
    Failure.HOST_MEMORY: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="its node ran out of memory and the kernel or Ray killed it; use fewer slots or more memory per node",
    ),
    Failure.HANG: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="it made no progress for too long and was ended; the log ends with what it printed last",
    ),
    Failure.COLLECTIVE: Rule(
        counted=True, bound=MAX_FAILURES, elsewhere=True,
        meaning="a rank timed out waiting for the others (NCCL or gloo); a GPU, link or driver of its node may be bad",
    ),
    Failure.DISK_FULL: Rule(
        counted=True, bound=2, elsewhere=True,
        meaning='its node has no disk space left; free some, then run the sweep again',
    ),
    Failure.BAD_CONFIGURATION: Rule(
        counted=True, bound=1, elsewhere=False,
        meaning="its settings or inputs are wrong; the reason says what would be right",
    ),
    Failure.OVER_TIME: Rule(
        counted=True, bound=1, elsewhere=False, meaning="it needed more time than its limit allows"
    ),
    Failure.TOO_LARGE: Rule(
        counted=True, bound=1, elsewhere=False,
        meaning="the artifact exceeds the contest's byte limit; use fewer bits, a stronger codec or a smaller model",
    ),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """How one failure counts."""

    counted: bool
    """Whether it is the job's own fault."""
    final: bool
    """Whether the job has failed and is not retried."""


def judge(failure: Failure, earlier: Sequence[Failure]) -> Verdict:
    """Decide how a failure counts, given those of the job's earlier attempts since it was last requested."""
    rule = RULES[failure]
    same = earlier.count(failure) + 1
    faults = sum(RULES[failure].counted for failure in earlier) + rule.counted
    return Verdict(counted=rule.counted, final=same >= rule.bound or (rule.counted and faults >= MAX_FAILURES))


def failed_since(attempts: Sequence[AttemptRecord], after: int) -> list[tuple[str, Failure]]:
    """Node and failure of a job's failed attempts numbered above `after`, i.e. since it was last requested."""
    return [
        (attempt.node or "", Failure(attempt.failure))
        for attempt in attempts
        if attempt.failure is not None and attempt.number > after
    ]


def avoided(nodes: Sequence[tuple[str, Failure]]) -> frozenset[str]:
    """Nodes that a job should not go back to, by the node and failure of its earlier attempts."""
    return frozenset(node for node, failure in nodes if RULES[failure].elsewhere)


def strikes(failure: Failure) -> bool:
    """Whether a failure may be the node's fault as much as the job's."""
    return failure in (Failure.HANG, Failure.COLLECTIVE, Failure.DISK_FULL, Failure.NOT_READY)
