"""Both executors, and orders for them."""

import os
from collections.abc import Iterator

import pytest

from cluster import ray_cluster
from cluster.executor import Executor
from cluster.local import LocalExecutor
from cluster.ray_executor import RayExecutor
from golf.corpus import DemoData
from tests.cluster.orders import Orders


@pytest.fixture(scope="session")
def orders(demo: DemoData) -> Orders:
    return Orders(demo)


@pytest.fixture(scope="session")
def ray_started() -> Iterator[None]:
    """A Ray of two slots, started once."""
    ray_cluster.start_local(2)
    yield
    ray_cluster.leave()


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
