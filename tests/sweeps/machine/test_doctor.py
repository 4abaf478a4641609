"""The doctor's judgment of nodes, and what it writes to the store."""

from dataclasses import replace
from pathlib import Path

import pytest

from jobs.machine import software
from jobs.machine.facts import DataPlaces, NodeFacts, collect_facts
from jobs.spec import Machine
from jobs.store import NodeRecord, Store
from sweeps.machine.doctor import Examined, compare, write_down
from sweeps.machine.node_checks import CODE, find_disagreements, find_problems, usual_software

MACHINE = Machine(device="cuda H100", dtype="bfloat16", torch="2.13", attention="sdpa", processes=1, threads=1)
VERSIONS = {"python": "3.11.7", "golfsweep": "0.1.0", "torch": "2.13.0", "ray": "2.60.0"}
FINE = NodeFacts(
    machine=MACHINE, gpus=8, driver="570", versions=VERSIONS, commit="0123abcd", flash_attention=True,
    free_bytes=2**40, cores=64, epoch_seconds=0.0, problem=None,
)  # fmt: skip


USUAL = {**VERSIONS, CODE: "0123abcd"}


@pytest.mark.parametrize(
    ("change", "gpus", "clock", "problem"),
    [
        ({}, 8, 0.1, None),
        ({"gpus": 7}, 8, 0.0, "Ray counts 8 GPUs, torch sees 7"),
        ({"free_bytes": 2**30}, 8, 0.0, "1.0 GiB of disk free; 10 needed"),
        ({}, 8, -90.0, "its clock is -90 s off"),
        ({"versions": {**VERSIONS, "torch": "2.12.0"}}, 8, 0.0, "torch 2.12.0, most nodes have 2.13.0"),
        ({"versions": {**VERSIONS, "python": "3.11.8"}}, 8, 0.0, "python 3.11.8, most nodes have 3.11.7"),
        ({"versions": {**VERSIONS, "optuna": "5.0.0"}}, 8, 0.0, "optuna 5.0.0, most nodes have none"),
        ({"commit": "4567cdef"}, 8, 0.0, "golfsweep's code 4567cdef, most nodes have 0123abcd"),
        ({"problem": "/data: training tokens has digest …"}, 8, 0.0, "/data: training tokens has digest …"),
    ],
)
def test_what_is_wrong_with_a_node_is_named(
    change: dict[str, object], gpus: int, clock: float, problem: str | None
) -> None:
    facts = replace(FINE, **change)  # type: ignore[arg-type]
    assert find_problems(facts, gpus, clock, USUAL) == ([] if problem is None else [problem])


@pytest.mark.parametrize(
    ("seen", "counted", "cpus", "disagreement"),
    [
        (8, 8, 64, None),
        (0, 0, 2, None),
        (0, 8, 64, "Ray counts 8 GPUs, torch sees none; mend its driver or torch, or start Ray with --num-gpus=0"),
        (8, 0, 64, "Ray counts no GPUs, torch sees 8; start Ray with --num-gpus=8"),
        (8, 4, 64, "Ray counts 4 GPUs, torch sees 8; start Ray with --num-gpus=8"),
        (8, 8, 65, "Ray counts 65 CPUs, it has 64; start Ray with --num-cpus=64"),
    ],
)
def test_where_ray_and_a_machine_disagree_both_counts_are_named(
    seen: int, counted: int, cpus: int, disagreement: str | None
) -> None:
    facts = replace(FINE, gpus=seen)
    assert find_disagreements(facts, counted, cpus) == ([] if disagreement is None else [disagreement])


def test_the_usual_software_is_that_of_most_and_this_machine_decides_between_equals() -> None:
    here = {**software.versions(), CODE: software.commit()}
    assert usual_software([]) == here
    assert usual_software([FINE])["torch"] == here["torch"]
    assert usual_software([FINE, FINE])[CODE] == FINE.commit
    assert usual_software([replace(FINE, versions={**VERSIONS, "new": "1"})] * 2)["new"] == "1"


def test_a_node_with_fewer_gpus_than_ray_counts_is_not_good_and_one_without_any_keeps_its_jobs(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    node = examined("a", None)
    node.disagreements.append("Ray counts 8 GPUs, torch sees none; …")
    write_down([node], "c", store, 5.0)
    assert [known.good for known in store.nodes("c")] == [True]
    document = node.to_json()
    assert (document["good"], document["quarantined"], document["reason"]) == (False, False, node.disagreements[0])
    store.close()


def examined(name: str, rate: float | None, kind: str = "h100") -> Examined:
    return Examined(name=name, host=name, steps_per_second=rate, kind=kind)


def test_a_node_much_slower_than_its_class_is_found_and_one_of_another_class_is_not() -> None:
    nodes = [
        examined("a", 10.0),
        examined("b", 9.5),
        examined("c", 8.0),
        examined("d", 1.0, "a100"),
        examined("e", None),
    ]
    compare(nodes)
    assert {node.name: node.problems for node in nodes if node.problems} == {
        "c": ["slow: 8.00 steps/s, the median of its class is 9.50"]
    }


def test_of_two_nodes_the_slower_one_is_bad() -> None:
    nodes = [examined("a", 10.0), examined("b", 5.0)]
    compare(nodes)
    assert [node.good for node in nodes] == [True, False]


def test_bad_nodes_are_quarantined_good_ones_released_and_busy_ones_left_as_they_were(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    for name in ("a", "b", "busy"):
        store.put_node(NodeRecord(cluster="c", name=name, host=name, good=name == "b", reason="before", checked=0.0))
    bad, busy = examined("b", None), examined("busy", None)
    bad.problems.append("slow")
    busy.busy = True
    write_down([examined("a", 1.0), bad, busy], "c", store, 5.0)
    assert {node.name: (node.good, node.reason) for node in store.nodes("c")} == {
        "a": (True, ""),
        "b": (False, "slow"),
        "busy": (False, "before"),
    }
    store.close()


def test_facts_about_this_machine_and_its_data(tmp_path: Path) -> None:
    facts = collect_facts(None)
    assert facts.cores >= 1
    assert facts.versions["torch"]
    assert facts.problem is None
    missing = DataPlaces(
        tokens=str(tmp_path / "gone"), tokenizer="x", train_digest="0", val_digest="0", tokenizer_digest="0"
    )
    assert "gone" in (collect_facts(missing).problem or "")
