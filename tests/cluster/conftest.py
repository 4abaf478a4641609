"""Both executors, and orders for them."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from cluster.executor import Executor
from cluster.executors.local import LocalExecutor
from cluster.ray import cluster as ray_cluster
from cluster.ray.executor import RayExecutor
from cluster.ray.folders import RayFolder
from golf.artifact.packing import QuantizeConfig, pack
from golf.data.corpus import DemoData
from golf.model.gpt import GPT
from jobs.spec import Order
from tests.cluster.dictated import World
from tests.cluster.orders import EVAL, MODEL, Orders


@pytest.fixture(scope="session")
def orders(demo: DemoData) -> Orders:
    return Orders(demo)


@pytest.fixture(scope="session")
def ray_started() -> Iterator[None]:
    """A Ray of two slots, for all tests; its process started and ended one before, as it does that takes over twice."""
    folder = RayFolder()
    ray_cluster.start_local(1, folder.path)
    ray_cluster.leave()
    ray_cluster.start_local(2, folder.path)
    yield
    ray_cluster.leave()
    folder.end_processes()
    folder.release(remove=True)


@pytest.fixture(params=["local", "ray"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """Each executor with two slots."""
    if request.param == "ray":
        request.getfixturevalue("ray_started")
    # A name of its own: gangs that are left on slots of a node of the same name, whosever they are, are ended.
    local = f"local {os.getpid()}"
    made: Executor = RayExecutor(ray_cluster.identity()) if request.param == "ray" else LocalExecutor(2, local)
    yield made
    made.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "it's home")
    yield made
    made.store.close()


@pytest.fixture
def evaluation(world: World, orders: Orders, monkeypatch: pytest.MonkeyPatch) -> Order:
    """An evaluation of four documents in four shards, on two slots."""
    monkeypatch.setattr("jobs.scores.SHARD_FLOPS", {"cpu": 1e3})
    model = GPT(MODEL)
    model.initialize(torch.Generator().manual_seed(0))
    content = pack(model.state_dict(), MODEL, QuantizeConfig(level=1))[0]
    return orders.evaluate(world.files.put(content), EVAL)
