"""What is wrong with a node, judged by its facts, what Ray says of it, and the software of the other nodes."""

import statistics
from collections.abc import Iterable, Mapping

from jobs.machine import software
from jobs.machine.facts import NodeFacts

LEAST_FREE_BYTES = 10 * 2**30
CLOCK_SECONDS = 5.0
CODE = "golfsweep's code"


def usual_software(nodes: Iterable[NodeFacts]) -> dict[str, str]:
    """The most common version of each package, of Python and of the code on this machine and the nodes.

    This machine decides where versions are equally common.
    """
    installed = [{**software.versions(), CODE: software.commit()}, *(_software(facts) for facts in nodes)]
    names = dict.fromkeys(name for versions in installed for name in versions)
    return {name: statistics.mode(versions.get(name, "none") for versions in installed) for name in names}


def find_problems(facts: NodeFacts, gpus: int, clock_seconds: float, usual: Mapping[str, str]) -> list[str]:
    """List what keeps a node from work.

    Args:
        facts: facts about it.
        gpus: GPUs that Ray counts on it.
        clock_seconds: how far its clock is ahead of this machine's.
        usual: versions that it should have, by name.
    """
    problems = []
    if gpus > facts.gpus > 0:
        problems.append(f"Ray counts {gpus} GPUs, torch sees {facts.gpus}")
    if facts.free_bytes < LEAST_FREE_BYTES:
        problems.append(f"{facts.free_bytes / 2**30:.1f} GiB of disk free; {LEAST_FREE_BYTES / 2**30:.0f} needed")
    if abs(clock_seconds) > CLOCK_SECONDS:
        problems.append(f"its clock is {clock_seconds:+.0f} s off")
    for name, version in {**dict.fromkeys(usual, "none"), **_software(facts)}.items():
        if version != usual.get(name, "none"):
            problems.append(f"{name} {version}, most nodes have {usual.get(name, 'none')}")
    if facts.problem is not None:
        problems.append(facts.problem)
    return problems


def find_disagreements(facts: NodeFacts, gpus: int, cpus: int) -> list[str]:
    """List what Ray counts on a node and the machine does not have, or the other way round.

    A node without any GPU that torch sees is of the class of its CPU, so no job that needs another class goes there:
    it is not quarantined.
    """
    disagreements = []
    if gpus and not facts.gpus:
        disagreements.append(
            f"Ray counts {gpus} GPUs, torch sees none; mend its driver or torch, or start Ray with --num-gpus=0"
        )
    if facts.gpus > gpus:
        disagreements.append(
            f"Ray counts {gpus or 'no'} GPUs, torch sees {facts.gpus}; start Ray with --num-gpus={facts.gpus}"
        )
    if cpus > facts.cores:
        disagreements.append(f"Ray counts {cpus} CPUs, it has {facts.cores}; start Ray with --num-cpus={facts.cores}")
    return disagreements


def _software(facts: NodeFacts) -> dict[str, str]:
    return {**facts.versions, CODE: facts.commit}
