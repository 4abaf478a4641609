"""The cluster's page: what runs where and what waits; who may take a node out of service."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from jobs.budget import Budget
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.views.cluster import read_clusters
from sweeps.web.app import make_app
from sweeps.web.service import Service
from tests.jobs.stores import FACTS, order
from tests.sweeps.web.conftest import NAME
from tests.sweeps.web.test_pages import Tags


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """One job runs on one of four slots at 2 dollars an hour, and two wait."""
    opened = Workplace.open(tmp_path / "home")
    store = opened.store
    store.put_sweep("s", {"file": {}}, Budget(dollars_per_gpu_hour=2.0))
    store.beat("a", "the cluster", 4, 4)
    for seed in (1, 2, 3):
        store.put_job(order(seed))
    [record] = store.claim("a", 1)
    store.start_attempt(record.key, "a", sweep="s", node="n1", **FACTS)
    yield opened
    store.close()


def connect(place: Workplace, scope: Scope) -> TestClient:
    token = place.store.create_token(scope, "anna", days=1).text
    app = make_app(Service(place=place, host="127.0.0.1", port=0))
    return TestClient(app, base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"})


def test_it_shows_what_runs_what_waits_and_what_stands_idle(place: Workplace) -> None:
    client = connect(place, Scope.READ)
    document = client.get("/api/v1/cluster").json()
    [load] = document["clusters"]
    assert (load["cluster"], load["slots"], load["busy"]) == ("the cluster", 4, 1)
    assert (load["dollars_per_hour"], load["idle_dollars_per_hour"]) == (2.0, 6.0)
    assert [(run["label"], run["node"]) for run in load["running"]] == [("seed 1", "n1")]
    assert document["shares"] == [{"sweep": "s", "slots": 1, "share": 1.0, "waiting": 2, "priority": 0}]
    page = client.get("/cluster").text
    assert all(word in Tags(page).text for word in ("1 of 4", "$2.00", "$6.00", "seed 1")) and "Drain" not in page


def test_an_administrator_drains_a_node_and_uses_it_again(place: Workplace) -> None:
    client = connect(place, Scope.ADMIN)
    node = {"cluster": "the cluster", "node": "n1"}
    assert "Drain" in client.get("/cluster").text
    assert client.post("/api/v1/cluster/drain", json=node).json()["reason"] == "drained by anna"
    assert "no new jobs: drained by anna" in client.get("/cluster").text
    assert client.post("/cluster/restore", data=node, follow_redirects=False).status_code == 303
    assert read_clusters(place.store).nodes[0].good
    assert [event.who for event in place.store.events() if event.kind.startswith("node")] == ["anna", "anna"]
    assert client.post("/api/v1/cluster/drain", json=node | {"node": "nothing"}).status_code == 422


def test_nobody_else_does(place: Workplace) -> None:
    node = {"cluster": "the cluster", "node": "n1"}
    for scope in (Scope.READ, Scope.SUBMIT):
        client = connect(place, scope)
        assert client.post("/api/v1/cluster/drain", json=node).status_code == 403
        assert client.post("/cluster/drain", data=node).status_code == 403
    assert place.store.nodes() == []
