"""Which artifacts the worker of a slot keeps loaded, as far as it is known what it was given."""

from collections.abc import Iterable, Iterator

from jobs.stages.stage import KEPT_ARTIFACTS


class KeptArtifacts:
    """The last few artifacts of one worker; the one used longest ago goes first."""

    def __init__(self, artifacts: Iterable[str] = ()) -> None:
        self._kept: dict[str, None] = {}
        for artifact in artifacts:
            self.use(artifact)

    def use(self, artifact: str) -> None:
        """A job reads an artifact."""
        self._kept.pop(artifact, None)
        self._kept[artifact] = None
        if len(self._kept) > KEPT_ARTIFACTS:
            del self._kept[next(iter(self._kept))]

    def __contains__(self, artifact: object) -> bool:
        return artifact in self._kept

    def __iter__(self) -> Iterator[str]:
        """From the one used longest ago to the latest."""
        return iter(self._kept)
