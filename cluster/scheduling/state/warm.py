"""Which artifacts the evaluators of a cluster have loaded, by what they have been given."""

from cluster.policy.policy import Placement
from jobs.spec import KEPT_ARTIFACTS, Job


class Warm:
    """Artifacts by node and slot, the last used last."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, dict[str, None]]] = {}

    def begin(self, job: Job, placement: Placement) -> None:
        """A job starts: an evaluator keeps the artifacts of its last jobs, and ends when its slot turns to a gang."""
        artifact = job.inputs.get("artifact")
        for slot in placement.slots:
            if job.stage == "train":
                self._kept.get(placement.node, {}).pop(slot, None)
            elif artifact is not None:
                kept = self._kept.setdefault(placement.node, {}).setdefault(slot, {})
                kept.pop(artifact, None)
                kept[artifact] = None
                if len(kept) > KEPT_ARTIFACTS:
                    del kept[next(iter(kept))]

    def end(self, placement: Placement) -> None:
        """The processes of a placement are gone, and what they had loaded with them."""
        for slot in placement.slots:
            self._kept.get(placement.node, {}).pop(slot, None)

    def of(self, node: str) -> dict[int, frozenset[str]]:
        """What each slot of a node has loaded."""
        return {slot: frozenset(kept) for slot, kept in self._kept.get(node, {}).items()}
