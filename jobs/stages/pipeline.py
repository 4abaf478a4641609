"""Stages in the order of the data: each after those whose outputs it reads."""

from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter

from jobs.stages.stage import ScoringStage, Stage


class Pipeline:
    """Stages that build on one another."""

    def __init__(self, stages: Iterable[Stage], *, scored: str) -> None:
        """Sort stages; of equals the one that is given first comes first.

        Args:
            stages: in any order.
            scored: name of the stage whose outputs hold the score.

        Raises:
            ValueError: a stage reads what no stage leaves, or, by way of others, its own output; the scored one gives
                no score.
        """
        given = {stage.name: stage for stage in stages}
        for stage in given.values():
            for name, source in stage.reads.items():
                if source.stage not in given or source.output not in given[source.stage].contents:
                    missing = f"no stage leaves {source.stage}.{source.output}"
                    raise ValueError(f"stage {stage.name}: reads {name}: {missing}")
        self._before = {stage.name: {source.stage for source in stage.reads.values()} for stage in given.values()}
        self._stages = {name: given[name] for name in TopologicalSorter(self._before).static_order()}
        if not isinstance(last := self._stages[scored], ScoringStage):
            raise ValueError(f"stage {scored}: gives no score")
        self.scored: ScoringStage = last

    def __iter__(self) -> Iterator[Stage]:
        return iter(self._stages.values())

    def __getitem__(self, name: str) -> Stage:
        return self._stages[name]

    def upstream(self, name: str) -> tuple[Stage, ...]:
        """A stage, and before it all that it builds on."""
        needed, open_names = set[str](), [name]
        while open_names:
            needed.add(current := open_names.pop())
            open_names += self._before[current] - needed
        return tuple(stage for stage in self if stage.name in needed)

    def scoring(self) -> tuple[Stage, ...]:
        """The stages that lead to the score, the scored one last."""
        return self.upstream(self.scored.name)

    def sections(self, name: str) -> frozenset[str]:
        """Sections of a recipe that decide a stage's job, by its own settings or by what it reads."""
        return frozenset(section for stage in self.upstream(name) for section in stage.sections)
