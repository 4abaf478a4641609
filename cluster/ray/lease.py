"""A lease: all slots of one node in one placement group, so that no other Ray job gets any of them."""

from dataclasses import dataclass

import ray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from cluster.executor import Node, Unplaceable

READY_SECONDS = 20.0
KIND_LABEL = "golfsweep/kind"
"""A node's label that distinguishes machine classes of one GPU name: `ray start --labels golfsweep/kind=pcie`."""


@dataclass(frozen=True, slots=True)
class Lease:
    """All slots of one node; workers run inside it."""

    node: Node
    device: str
    """The Ray resource that a slot is: GPU, or CPU on a machine without GPUs."""
    group: PlacementGroup

    def options(self, slots: int) -> dict[str, object]:
        """Options that place an actor on so many slots of this lease."""
        strategy = PlacementGroupSchedulingStrategy(self.group, placement_group_bundle_index=0)
        share = {"num_gpus": slots, "num_cpus": 0} if self.device == "GPU" else {"num_cpus": slots}
        return {**share, "scheduling_strategy": strategy}


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A node of the cluster as Ray sees it."""

    name: str
    """Ray's node id."""
    host: str
    device: str
    """What a slot is there: GPU, or CPU on a machine without GPUs."""
    slots: int
    cpus: int
    """CPUs that Ray counts there."""
    address: str
    """The resource that only this node has."""
    kind: str
    """The node's label golfsweep/kind; "" without one."""


def places() -> dict[str, Place]:
    """Nodes of the cluster that are alive and have slots, by Ray's node id.

    If any node has GPUs, only nodes with GPUs count: a head without GPUs must not look like a node of another class.
    """
    by_name: dict[str, Place] = {}
    for entry in ray.nodes():
        resources = entry["Resources"]
        device = "GPU" if resources.get("GPU") else "CPU"
        if entry["Alive"] and resources.get(device, 0) >= 1:
            by_name[entry["NodeID"]] = Place(
                name=entry["NodeID"],
                host=entry["NodeManagerHostname"],
                device=device,
                slots=int(resources[device]),
                cpus=int(resources.get("CPU", 0)),
                address=next(n for n in resources if n.startswith("node:") and "internal_head" not in n),
                kind=entry.get("Labels", {}).get(KIND_LABEL, ""),
            )
    gpus = {name: place for name, place in by_name.items() if place.device == "GPU"}
    return gpus or by_name


def take(place: Place, node: Node) -> Lease:
    """Reserve all slots of a node in one bundle. A lost lease is never reused; take a new one.

    Raises:
        Unplaceable: somebody else has them, or the node goes away.
    """
    group = placement_group([{place.device: place.slots, place.address: 0.001}], strategy="STRICT_PACK")
    if not group.wait(READY_SECONDS):
        remove_placement_group(group)
        raise Unplaceable(f"node {place.host}: its {place.slots} {place.device} are not free, or it is gone")
    return Lease(node=node, device=place.device, group=group)


def give_back(lease: Lease) -> None:
    """Free a node's slots; ends everything that still runs on them."""
    remove_placement_group(lease.group)
