"""What operators see: metrics as the database has them, and a line for each request that holds nothing secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from jobs.budget import Budget
from jobs.state import Scope
from jobs.workplace import Workplace
from sweeps.web.app import make_app
from sweeps.web.measuring import requests
from sweeps.web.service import Service
from tests.jobs.stores import FACTS, order
from tests.sweeps.web.conftest import NAME


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workplace]:
    """One job runs and two wait, on four slots at 2 dollars an hour."""
    opened = Workplace.open(tmp_path / "home")
    store = opened.store
    store.put_sweep("s", {"file": {}}, Budget(dollars_per_gpu_hour=2.0))
    store.beat("a", 'the "cluster"', 4, 4)
    for seed in (1, 2, 3):
        store.put_job(order(seed))
    [record] = store.claim("a", 1)
    store.start_attempt(record.key, "a", sweep="s", node="n1", **FACTS)
    yield opened
    store.close()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    written: list[str] = []
    monkeypatch.setattr(requests, "write_line", written.append)
    monkeypatch.setattr(requests.RequestLog.__init__, "__defaults__", (written.append,))
    return written


@pytest.fixture
def client(place: Workplace, lines: list[str]) -> TestClient:
    token = place.store.create_token(Scope.READ, "anna", days=1).text
    app = make_app(Service(place=place, host="127.0.0.1", port=0, logs_requests=True))
    return TestClient(app, base_url=f"http://{NAME}", headers={"Authorization": f"Bearer {token}"})


def test_metrics_are_what_the_database_says_and_how_requests_were_answered(client: TestClient) -> None:
    client.get("/api/v1/sweeps")
    client.get("/nothing/at/all")
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["golfsweep_jobs", "running"] == 1 and samples["golfsweep_jobs", "queued"] == 2
    assert samples["golfsweep_sweeps", "running"] == 1
    assert samples["golfsweep_slots", 'the "cluster"'] == 4
    assert samples["golfsweep_dollars_per_hour", 'the "cluster"'] == 2.0
    assert samples["golfsweep_idle_dollars_per_hour", 'the "cluster"'] == 6.0
    assert samples["golfsweep_request_seconds_count", "/api/v1/sweeps", "200", "GET"] == 1
    assert samples["golfsweep_request_seconds_count", "404", "GET", "other"] == 1
    client.headers.pop("Authorization")
    assert client.get("/metrics", follow_redirects=False).status_code == 401


def test_a_request_leaves_a_line_without_what_is_secret(client: TestClient, lines: list[str]) -> None:
    secret = client.headers["Authorization"].split("_")[-1]
    answer = client.get("/api/v1/sweeps?after=hidden", headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    strange = client.get("/api/v1/sweeps", headers={"X-Request-ID": 'a"b\\n' + "x" * 99})
    assert strange.headers["x-request-id"].isalnum() and len(strange.headers["x-request-id"]) == 32
    client.get("/healthz")
    written = [json.loads(line) for line in lines]
    assert [(line["path"], line["status"], line["owner"]) for line in written] == [
        ("/api/v1/sweeps", 422, "anna"), ("/api/v1/sweeps", 200, "anna"),
    ]  # fmt: skip
    assert written[0]["id"] == "mine-1" and written[0]["ms"] >= 0
    assert not any(secret in line or "hidden" in line for line in lines)
