"""Which artifacts the workers of a cluster have loaded, by what they have been given."""

from cluster.policy.kept_artifacts import KeptArtifacts
from cluster.policy.policy import Placement
from jobs.spec import Job
from jobs.stages.registry import stage_named


class Warm:
    """Artifacts by node and slot."""

    def __init__(self) -> None:
        self._kept: dict[str, dict[int, KeptArtifacts]] = {}

    def begin(self, job: Job, placement: Placement) -> None:
        """A job starts: a worker keeps the artifacts of its last jobs, and ends when its slot turns to a gang."""
        if stage_named(job.stage).is_gang:
            self.end(placement)
        elif (artifact := job.inputs.get("artifact")) is not None:
            for slot in placement.slots:
                self._kept.setdefault(placement.node, {}).setdefault(slot, KeptArtifacts()).use(artifact)

    def end(self, placement: Placement) -> None:
        """The processes of a placement are gone, and what they had loaded with them."""
        for slot in placement.slots:
            self._kept.get(placement.node, {}).pop(slot, None)

    def of(self, node: str) -> dict[int, frozenset[str]]:
        """What each slot of a node has loaded."""
        return {slot: frozenset(kept) for slot, kept in self._kept.get(node, {}).items()}
