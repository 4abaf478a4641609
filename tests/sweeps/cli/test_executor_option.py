"""golfsweep run --executor: an executor that stands in the registry is all that a new one needs."""

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import pytest

from cluster.executor import Node, Opening, Task
from cluster.executors.local import machine_cluster
from cluster.executors.worker import run_task
from cluster.registry import EXECUTORS, ExecutorKind
from golf.data.corpus import DemoData
from jobs.machine import environment
from sweeps.cli.commands.run import choose_executor
from tests.in_process import InProcessEvents
from tests.short_data import with_short_data
from tests.sweeps.cli.test_run_command import SWEEP
from tests.sweeps.conftest import Command


class ToyExecutor(InProcessEvents):
    """Runs each task at once, in this process."""

    def __init__(self, cluster: str, slots: int) -> None:
        super().__init__()
        self.cluster, self.stages = cluster, list[str]()
        self._node = Node(name="toy", host=socket.gethostname(), slots=slots, machine=environment.machine())

    def nodes(self) -> list[Node]:
        return [self._node]

    def start(self, task: Task) -> None:
        self.stages.append(task.stage.name)
        self.add(task.id, run_task(task))


TOYS: list[ToyExecutor] = []
"""Those that were opened or joined, in their order."""
TOY = ExecutorKind(summary="a toy", open=f"{__name__}:open_toy", join=f"{__name__}:join_toy")


def open_toy(opening: Opening) -> ToyExecutor:
    TOYS.append(ToyExecutor(machine_cluster(), opening.widest))
    return TOYS[-1]


def join_toy(address: str) -> ToyExecutor:
    TOYS.append(ToyExecutor(f"toy {address}", 2))
    return TOYS[-1]


def test_a_sweep_runs_on_an_executor_that_is_one_line_of_the_registry(
    golfsweep: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo: DemoData
) -> None:
    monkeypatch.setitem(EXECUTORS, "toy", TOY)
    (tmp_path / "small.toml").write_text(with_short_data(SWEEP, demo, tmp_path / "data"))
    words = ("run", tmp_path / "small.toml", "--home", tmp_path / "home", "--json")
    code, out, err = golfsweep(*words, "--executor", "toy")
    assert (code, [row["name"] for row in json.loads(out)["rows"]]) == (0, ["none"]), err
    code, _, err = golfsweep(*words, "--executor", "toy:10.0.0.1:99", "--set", "eval.chunk=256")
    assert code == 0, err
    here, there = TOYS
    assert (here.cluster, here.stages) == (machine_cluster(), ["train", "quantize", "eval", "audit"])
    assert (there.cluster, there.stages) == ("toy 10.0.0.1:99", ["eval", "audit"])


def test_the_short_options_name_executors_of_the_registry() -> None:
    assert choose_executor(None, None, False) == "ray"
    assert choose_executor(None, "10.0.0.1:6379", False) == "ray:10.0.0.1:6379"
    assert choose_executor(None, None, True) == "local"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--executor", "slurm"), 'no executor "slurm"; expected one of ray, local'),
        (("--executor", "local:host:1"), "local takes no address; leave it out"),
        (("--executor", "far"), "far needs an address; give --executor far:ADDRESS"),
        (("--executor", "ray:"), "--ray : not an address; expected HOST:PORT"),
        (("--executor", "ray", "--here"), "--executor --here: each names an executor; give one of them"),
        (("--ray", "h:1", "--here"), "--ray --here: each names an executor; give one of them"),
    ],
)
def test_an_executor_that_cannot_be_used_is_refused_before_anything_runs(
    options: tuple[str, ...],
    problem: str,
    refused: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setitem(EXECUTORS, "far", replace(TOY, open=None))
    (tmp_path / "small.toml").write_text(SWEEP)
    assert problem in refused("run", tmp_path / "small.toml", "--home", tmp_path / "home", *options)


@pytest.mark.parametrize("name", EXECUTORS)
def test_the_functions_that_the_registry_names_are_there(name: str) -> None:
    functions = [function for function in (EXECUTORS[name].open, EXECUTORS[name].join) if function is not None]
    assert functions
    assert all(callable(resolve_name(function)) for function in functions)


def test_help_names_every_executor(golfsweep: Command) -> None:
    text = " ".join(golfsweep("run", "--help")[1].split())
    assert all(f"{name} ({kind.summary})" in text for name, kind in EXECUTORS.items())
