"""Metrics in the text format of Prometheus: what the database says at this moment, and how requests were answered."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from jobs.store import Store, WebhookRecord
from sweeps.views.cluster import ClusterLoad, read_clusters
from sweeps.web.problems import declare
from sweeps.web.service import Service

router = APIRouter(tags=["health"])
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
"""Seconds."""
FORMAT: dict[int | str, dict[str, Any]] = {
    200: {"description": "Metrics.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


class Metrics:
    """The metrics of one service."""

    def __init__(self, service: Service) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(StoreCollector(service))
        self._seconds = Histogram(
            "golfsweep_request_seconds",
            "Time to answer a request, by method, route and status.",
            ("method", "route", "status"),
            buckets=BUCKETS,
            registry=self._registry,
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        known = method if method in ("GET", "HEAD", "POST", "PUT", "DELETE") else "other"
        self._seconds.labels(known, route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """All of them, as of now."""
        return generate_latest(self._registry)


class StoreCollector(Collector):
    """Reads the database whenever metrics are asked for, so that several services agree."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> list[Metric]:
        """Nothing: without this, the database would be read when the collector is registered."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Gauges of jobs, sweeps, slots, money and processes."""
        store = self._service.place.store
        jobs = GaugeMetricFamily("golfsweep_jobs", "Jobs, by state.", labels=["state"])
        for state, count in store.job_counts().items():
            jobs.add_metric([state.value], count)
        yield jobs
        records = store.sweeps()
        sweeps = GaugeMetricFamily("golfsweep_sweeps", "Sweeps, by state.", labels=["state"])
        for name in sorted({record.state for record in records}):
            sweeps.add_metric([name], sum(record.state == name for record in records))
        yield sweeps
        waiting = sum(record.state == "queued" for record in store.open_submissions())
        yield GaugeMetricFamily("golfsweep_submissions_waiting", "Submitted sweeps that nobody drives.", value=waiting)
        hours = sum(record.spent_hours for record in records)
        yield GaugeMetricFamily("golfsweep_slot_hours_spent", "Slot-hours of attempts that have ended.", value=hours)
        yield GaugeMetricFamily("golfsweep_drivers", "Live drivers.", value=len(store.live_drivers()))
        yield from _measure_clusters(store)
        yield from _measure_webhooks(store)
        yield GaugeMetricFamily("golfsweep_last_event", "Number of the last event.", value=store.last_event())


def _measure_clusters(store: Store) -> Iterator[Metric]:
    state = read_clusters(store)
    names: Mapping[str, tuple[str, Callable[[ClusterLoad], float]]] = {
        "golfsweep_slots": ("Slots of a cluster with a live scheduler.", lambda load: load.slots),
        "golfsweep_slots_busy": ("Slots on which something runs.", lambda load: load.busy),
        "golfsweep_dollars_per_hour": ("What runs now costs an hour.", lambda load: load.dollars_per_hour or 0.0),
        "golfsweep_idle_dollars_per_hour": (
            "What the free slots cost an hour.", lambda load: load.idle_dollars_per_hour or 0.0,
        ),
    }  # fmt: skip
    for name, (text, read) in names.items():
        gauge = GaugeMetricFamily(name, text, labels=["cluster"])
        for load in state.clusters:
            gauge.add_metric([load.cluster], read(load))
        yield gauge
    bad = sum(not node.good for node in state.nodes)
    yield GaugeMetricFamily("golfsweep_nodes_bad", "Nodes that get no jobs.", value=bad)


def _measure_webhooks(store: Store) -> Iterator[Metric]:
    names: Mapping[str, tuple[str, Callable[[WebhookRecord], float]]] = {
        "golfsweep_notices_delivered": ("Notices that a webhook has delivered.", lambda hook: hook.delivered),
        "golfsweep_notices_given_up": ("Notices that a webhook could not deliver.", lambda hook: hook.given_up),
        "golfsweep_notices_waiting": ("Notices that a webhook is still to send.", lambda hook: hook.waiting),
        "golfsweep_webhook_failures": ("Tries in a row of a webhook that failed.", lambda hook: hook.failures),
    }
    records = store.webhooks()
    for name, (text, read) in names.items():
        gauge = GaugeMetricFamily(name, text, labels=["webhook", "form"])
        for record in records:
            gauge.add_metric([record.id, record.form], read(record))
        yield gauge


@router.get("/metrics", responses=declare() | FORMAT, response_class=Response)
def get_metrics(request: Request) -> Response:
    """Metrics for Prometheus; a token of the scope read goes into its configuration."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)
