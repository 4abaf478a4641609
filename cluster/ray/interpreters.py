"""What a script's own interpreter is on each node of a Ray cluster, asked on all nodes at once."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.ray import lease
from jobs.scripts.runtime import read_runtime

ANSWER_SECONDS = 120.0
"""Time in which all nodes have to answer; a first import of torch from a network disk takes a while."""


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
    return {name: _answer(reference, until) for name, reference in references.items()}


def _answer(reference: Any, until: float) -> Mapping[str, str | None] | str:
    try:
        answer: Mapping[str, str | None] = ray.get(reference, timeout=max(0.0, until - time.monotonic()))
    except GetTimeoutError:
        return f"no answer within {ANSWER_SECONDS:.0f} s"
    except RayError as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        return lines[-1] if lines else type(error).__name__
    return answer
