"""A lease: one node's slots held together in one placement group, so that nothing else can come between."""

from dataclasses import dataclass

import ray
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from cluster.executor import Node

READY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Lease:
    """All slots of one node; workers are placed inside it."""

    node: Node
    device: str
    """The Ray resource that a slot is: GPU, or CPU on a machine without GPUs."""
    group: PlacementGroup

    def options(self, slots: int) -> dict[str, object]:
        """Options that place an actor on so many slots of this lease."""
        strategy = PlacementGroupSchedulingStrategy(self.group, placement_group_bundle_index=0)
        share = {"num_gpus": slots, "num_cpus": 0} if self.device == "GPU" else {"num_cpus": slots}
        return {**share, "scheduling_strategy": strategy}


def nodes() -> dict[str, tuple[Node, str]]:
    """Nodes of the cluster that are alive and have slots, and what a slot is there, by Ray's node id."""
    found: dict[str, tuple[Node, str]] = {}
    for entry in ray.nodes():
        resources = entry["Resources"]
        device = "GPU" if resources.get("GPU") else "CPU"
        if entry["Alive"] and resources.get(device, 0) >= 1:
            node = Node(name=entry["NodeID"], host=entry["NodeManagerHostname"], slots=int(resources[device]))
            found[node.name] = (node, device)
    return found


def take(node: Node, device: str) -> Lease:
    """Reserve all slots of a node in one bundle; ask for a new one if it is ever lost, never reuse it.

    Raises:
        TimeoutError: somebody else holds them.
    """
    [entry] = [entry for entry in ray.nodes() if entry["NodeID"] == node.name]
    here = next(name for name in entry["Resources"] if name.startswith("node:") and "internal_head" not in name)
    group = placement_group([{device: node.slots, here: 0.001}], strategy="STRICT_PACK")
    if not group.wait(READY_SECONDS):
        remove_placement_group(group)
        raise TimeoutError(
            f"node {node.host}: its {node.slots} {device} are not free; something else uses this cluster"
        )
    return Lease(node=node, device=device, group=group)


def give_back(lease: Lease) -> None:
    """Free a node's slots; ends whatever still runs on them."""
    remove_placement_group(lease.group)
