"""Which nodes of a Ray cluster have slots."""

from typing import Any

import pytest
import ray

from cluster.ray import lease


def node(name: str, **resources: float) -> dict[str, Any]:
    return {"NodeID": name, "Alive": True, "NodeManagerHostname": name, "Resources": {f"node:{name}": 1.0, **resources}}


def test_beside_gpus_cores_are_no_slots(monkeypatch: pytest.MonkeyPatch) -> None:
    head, small, big = node("head", CPU=64.0), node("small", CPU=8.0, GPU=1.0), node("big", CPU=64.0, GPU=8.0)
    monkeypatch.setattr(ray, "nodes", lambda: [head, small, big])
    assert {name: (place.device, place.slots) for name, place in lease.places().items()} == {
        "small": ("GPU", 1), "big": ("GPU", 8),
    }  # fmt: skip
    monkeypatch.setattr(ray, "nodes", lambda: [head, {**big, "Alive": False}])
    assert {name: (place.device, place.slots) for name, place in lease.places().items()} == {"head": ("CPU", 64)}
