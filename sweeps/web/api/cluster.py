"""Clusters: schedulers, drivers and nodes."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sweeps.web.api.parameters import HomePlace
from sweeps.web.problems import declare

router = APIRouter(tags=["cluster"])


class SchedulerView(BaseModel):
    """A live process that runs a cluster's jobs."""

    name: str
    host: str
    cluster: str
    slots: int
    heartbeat: float = Field(description="Epoch seconds.")


class DriverView(BaseModel):
    """A live process that drives a sweep."""

    sweep: str
    host: str
    cluster: str
    since: float = Field(description="Epoch seconds.")


class NodeView(BaseModel):
    """A node that was checked."""

    cluster: str
    name: str
    host: str
    good: bool
    reason: str = Field(description="Why it gets no work; empty for a good one.")
    checked: float = Field(description="Epoch seconds.")


class ClusterDocument(BaseModel):
    """Who works for this database now."""

    schedulers: list[SchedulerView]
    drivers: list[DriverView]
    nodes: list[NodeView]


@router.get("/cluster", responses=declare())
def get_cluster(place: HomePlace) -> ClusterDocument:
    """Live schedulers and drivers, and what is known of nodes."""
    store = place.store
    return ClusterDocument(
        schedulers=[SchedulerView.model_validate(record, from_attributes=True) for record in store.live_schedulers()],
        drivers=[DriverView.model_validate(record, from_attributes=True) for record in store.live_drivers()],
        nodes=[NodeView.model_validate(record, from_attributes=True) for record in store.nodes()],
    )
