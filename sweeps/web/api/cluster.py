"""Clusters: schedulers, drivers and nodes."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sweeps.views.cluster import read_clusters
from sweeps.web.api.parameters import CallerOf, HomePlace
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


class RunningView(BaseModel):
    """An attempt that runs."""

    key: str
    label: str
    sweep: str | None
    cluster: str
    node: str | None
    host: str
    slots: int
    started: float = Field(description="Epoch seconds.")
    fraction: float


class LoadView(BaseModel):
    """A cluster with a live scheduler."""

    cluster: str
    slots: int
    busy: int = Field(description="Slots on which something runs.")
    dollars_per_hour: float | None = Field(description="What runs now costs, where its sweeps state a price.")
    idle_dollars_per_hour: float | None = Field(description="What the free slots cost by the highest such price.")
    running: list[RunningView]


class ShareView(BaseModel):
    """A sweep's part of all busy slots, and what of it waits."""

    sweep: str
    slots: int
    share: float
    waiting: int
    priority: int | None


class ClusterDocument(BaseModel):
    """Who works for this database now."""

    schedulers: list[SchedulerView]
    drivers: list[DriverView]
    nodes: list[NodeView]
    clusters: list[LoadView]
    shares: list[ShareView]


class NodeChoice(BaseModel):
    """A node, as the cluster's document names it."""

    cluster: str = Field(max_length=255)
    node: str = Field(max_length=80)


@router.get("/cluster", responses=declare())
def get_cluster(place: HomePlace) -> ClusterDocument:
    """Live schedulers and drivers, and what is known of nodes."""
    store = place.store
    state = read_clusters(store)
    return ClusterDocument(
        schedulers=[SchedulerView.model_validate(record, from_attributes=True) for record in store.live_schedulers()],
        drivers=[DriverView.model_validate(record, from_attributes=True) for record in store.live_drivers()],
        nodes=[NodeView.model_validate(record, from_attributes=True) for record in state.nodes],
        clusters=[LoadView.model_validate(load, from_attributes=True) for load in state.clusters],
        shares=[ShareView.model_validate(share, from_attributes=True) for share in state.shares],
    )


@router.post("/cluster/drain", responses=declare(422))
def drain_node(choice: NodeChoice, place: HomePlace, caller: CallerOf) -> NodeView:
    """Start no more jobs on a node; those that run there end by themselves."""
    node = place.store.acting_as(caller.owner).drain_node(choice.cluster, choice.node)
    return NodeView.model_validate(node, from_attributes=True)


@router.post("/cluster/restore", responses=declare(422))
def restore_node(choice: NodeChoice, place: HomePlace, caller: CallerOf) -> NodeView:
    """Let jobs start on a node again."""
    node = place.store.acting_as(caller.owner).restore_node(choice.cluster, choice.node)
    return NodeView.model_validate(node, from_attributes=True)
