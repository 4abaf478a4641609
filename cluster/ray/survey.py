"""A survey of a Ray cluster: facts about every node, or what a script's interpreter is there, from all at once."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.ray import lease
from cluster.ray.lease import Place
from jobs.machine.facts import DataPlaces, NodeFacts, collect_facts
from jobs.scripts.runtime import read_runtime

ANSWER_SECONDS = 120.0
"""Time in which all nodes have to answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeSurvey:
    """What one node has answered."""

    place: Place
    facts: NodeFacts | None
    clock_seconds: float
    """How far its clock is ahead of this machine's, uncertain by `trip_seconds`."""
    trip_seconds: float
    problem: str | None
    """Why there are no facts; None if there are."""


@dataclass(frozen=True, slots=True)
class _Moment:
    epoch: float
    ticks: float
    """Seconds of the monotonic clock."""

    @classmethod
    def now(cls) -> "_Moment":
        return cls(time.time(), time.monotonic())


@ray.remote(max_retries=0, num_cpus=0, max_calls=1)
def _facts(data: DataPlaces | None) -> NodeFacts:
    return collect_facts(data)


def survey(data: DataPlaces | None) -> list[NodeSurvey]:
    """Facts about every node that is alive and has slots."""
    requests: list[tuple[Place, _Moment, Any]] = []
    for place in lease.places().values():
        on_node = NodeAffinitySchedulingStrategy(place.name, soft=False)
        requests.append((place, _Moment.now(), _facts.options(scheduling_strategy=on_node).remote(data)))
    until = time.monotonic() + ANSWER_SECONDS
    return [_answer(place, since, reference, until) for place, since, reference in requests]


def _answer(place: Place, since: _Moment, reference: Any, until: float) -> NodeSurvey:
    try:
        facts: NodeFacts = ray.get(reference, timeout=max(0.0, until - time.monotonic()))
    except GetTimeoutError:
        problem = f"no answer within {ANSWER_SECONDS:.0f} s"
        return NodeSurvey(place=place, facts=None, clock_seconds=0.0, trip_seconds=ANSWER_SECONDS, problem=problem)
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        problem = lines[-1] if lines else type(error).__name__
        return NodeSurvey(place=place, facts=None, clock_seconds=0.0, trip_seconds=0.0, problem=problem)
    trip = time.monotonic() - since.ticks
    # The node read its clock at some moment of the trip: only a time outside the trip is the clock's fault.
    ahead = max(0.0, facts.epoch_seconds - since.epoch - trip) - max(0.0, since.epoch - facts.epoch_seconds)
    return NodeSurvey(place=place, facts=facts, clock_seconds=ahead, trip_seconds=trip, problem=None)


@ray.remote(max_retries=0, num_cpus=0, max_calls=1)
def _runtime(python: str | None, passed: Sequence[str]) -> Mapping[str, str | None]:
    return read_runtime(python or sys.executable, os.environ, passed).to_json()


def interpreters(python: str | None, passed: Sequence[str]) -> dict[str, Mapping[str, str | None] | str]:
    """What the interpreter is on every node that is alive and has slots.

    Args:
        python: the interpreter; None for golfsweep's own there.
        passed: names of a node's variables that reach the script.

    Returns:
        By the node's name, its Python, torch, CUDA and GPU, or why it did not say.
    """
    references: dict[str, Any] = {}
    for name in lease.places():
        on_node = NodeAffinitySchedulingStrategy(name, soft=False)
        references[name] = _runtime.options(scheduling_strategy=on_node).remote(python, list(passed))
    until = time.monotonic() + ANSWER_SECONDS
    return {name: _runtime_answer(reference, until) for name, reference in references.items()}


def _runtime_answer(reference: Any, until: float) -> Mapping[str, str | None] | str:
    try:
        answer: Mapping[str, str | None] = ray.get(reference, timeout=max(0.0, until - time.monotonic()))
    except GetTimeoutError:
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[-1] if lines else type(error).__name__
    return answer
