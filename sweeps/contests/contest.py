"""What is particular to a contest, as its file says it: docs/contests.md has a file with every key.

A contest is judged in one of the ways of `Judge`. Its numbers are decimals with the digits that its file has, so that a
rule such as `(3.28 − mean)·√n ≥ 0.004` is decided exactly.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, model_validator

Judge = Literal["bits-per-byte", "target"]
"""How entries are judged and ranked: `bits-per-byte` as in Parameter Golf (`sweeps.records`, `sweeps.board`), `target`
by a score that the mean of several runs must reach (`sweeps.standings`)."""
RankedBy = Literal["score", "steps", "seconds"]
Direction = Literal["lower", "higher"]
RuleTest = Literal["welch", "target", "known-sigma"]
Amount = Annotated[Decimal, Field(gt=0, lt=10**9)]
Level = Annotated[FiniteFloat, Field(gt=0, lt=1)]


def _check_pattern(pattern: str) -> str:
    try:
        re.compile(pattern, re.ASCII)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error})") from None
    return pattern


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ScoreTable(_Table):
    """The score that a contest's rule is about."""

    metric: str
    """As logs name it."""
    others: tuple[str, ...] = ()
    """Scores that logs print beside it and that do not count."""
    unit: str
    direction: Direction = "lower"
    """Which scores are better."""


class RankedTable(_Table):
    """What entries are ranked by: the score itself, or the steps or seconds after which the rule is passed."""

    by: RankedBy


class ReplicatesTable(_Table):
    """The runs of an entry."""

    seeds: bool
    """Whether runs are distinguished by seed numbers, which logs print; otherwise by their logs."""


class LimitsTable(_Table):
    """What an entry may take; absent where a contest has no such limit."""

    bytes: PositiveInt | None = None
    seconds: FiniteFloat | None = None
    last_step_seconds: FiniteFloat = 0.0
    """Seconds over the limit that a training may end if its last step began in time."""


class RuleTable(_Table):
    """What an entry must show by itself.

    `welch` and `target` are Student's tests at a level. `known-sigma` asks for `(target − mean)·√n ≥ threshold`.
    """

    test: RuleTest
    target: Amount | None = None
    """The mean score that must be reached."""
    level: Level | None = None
    """The p-value must be below this."""
    margin_nats: FiniteFloat | None = None
    """Nats per token by which a record must be lower than the one before it."""
    precedent_level: Level | None = None
    """The level that organizers let pass with a margin of 0."""
    sigma: Amount | None = None
    """The known standard deviation of one run's score."""
    threshold: Amount | None = None
    waived_for: str | None = None
    """Entries that need not pass it, in words."""

    @model_validator(mode="after")
    def _has_what_its_test_needs(self) -> Self:
        _require(self, NEEDED_BY_RULE[self.test])
        return self


class ImprovementTable(_Table):
    """What an entry must show against the current record.

    `welch` tests what is ranked. `known-sigma` asks for `(gap + allowance·saved/100)/√(1/n₁ + 1/n₂) ≥ threshold`, where
    `gap` is by how much the mean score is lower and `saved` by how many steps or seconds the entry is ahead.
    """

    test: Literal["welch", "known-sigma"]
    level: Level | None = None
    sigma: Amount | None = None
    threshold: Amount | None = None
    allowance_per_100: Amount | None = None
    """Score that 100 steps or seconds are worth."""

    @model_validator(mode="after")
    def _has_what_its_test_needs(self) -> Self:
        _require(self, NEEDED_BY_IMPROVEMENT[self.test])
        return self


NEEDED_BY_RULE: Mapping[str, tuple[str, ...]] = {
    "welch": ("level", "margin_nats", "precedent_level"),
    "target": ("target", "level"),
    "known-sigma": ("target", "sigma", "threshold"),
}
NEEDED_BY_IMPROVEMENT: Mapping[str, tuple[str, ...]] = {
    "welch": ("level",),
    "known-sigma": ("sigma", "threshold", "allowance_per_100"),
}


def _require(table: RuleTable | ImprovementTable, names: tuple[str, ...]) -> None:
    if missing := [name for name in names if getattr(table, name) is None]:
        raise ValueError(f'{", ".join(missing)} missing, which test = "{table.test}" needs')


class MachineTable(_Table):
    """On which machines entries may be compared."""

    compare: Literal["any", "same"]
    """`same`: what is ranked means something within one machine only."""
    gpu: str | None = None
    """Part of the name of the contest's GPUs."""


class FolderTable(_Table):
    """The form of a record folder."""

    parts: tuple[str, ...] = ()
    """Names of subfolders that are entries of one record: the record itself, then what it is compared with. The runs
    of all were made on one machine."""
    steps: Pattern | None = None
    """Other names of such subfolders: with the number of steps, group `steps`; fewer steps are compared with more."""


class LogTable(_Table):
    """How a log is read: by which reader, and, for the reader `step-lines`, the patterns of its lines."""

    reader: str
    ruler: Pattern | None = None
    """What stands before the first such line is the script's source."""
    validation: Pattern | None = None
    """A line with scores; groups `step` and `of`."""
    score: Pattern | None = None
    """Each score of such a line; groups `name` and `value`."""
    clock: Pattern | None = None
    """The training's clock on such a line; groups `time` and `unit` (ms, s)."""
    metric: str | None = None
    """How the score is read of a script's output while it runs, as `metric` of a sweep file."""
    foreign: Pattern | None = None
    """What only logs of another contest print on a line with scores."""
    machine: tuple[Pattern, ...] = ()
    """Lines that name the GPU; group `gpu`, and `count` where they give the number."""
    seed: Pattern | None = None
    """The seed that a log prints; group `seed`."""
    host: Pattern | None = None
    """What tells machines apart, such as the address of a GPU on its bus; group `id`."""


class PublicSetTable(_Table):
    """A validation set under one tokenizer."""

    tokens: PositiveInt
    """Cut to whole windows."""
    bpb_per_nat: FiniteFloat
    """Bits per byte of one nat per token; the public logs agree on five digits, whatever was trained."""
    clean_shards: PositiveInt | None = None
    """Most training shards that are known to hold no document of the validation set; absent where all are clean."""


class Contest(_Table):
    """A contest, as its file describes it."""

    name: str
    title: str
    judge: Judge
    score: ScoreTable
    ranked: RankedTable
    replicates: ReplicatesTable
    limits: LimitsTable = LimitsTable()
    rule: RuleTable
    improvement: ImprovementTable | None = None
    machine: MachineTable
    folder: FolderTable = FolderTable()
    log: LogTable | None = None
    """Absent for the judge `bits-per-byte`, whose logs `jobs.logs` reads."""
    sets: Mapping[str, PublicSetTable] = {}
    """Public validation sets by the name of their data set."""

    @property
    def direction(self) -> Direction:
        """Which values of what is ranked are better."""
        return self.score.direction if self.ranked.by == "score" else "lower"

    @model_validator(mode="after")
    def _fits_its_judge(self) -> Self:
        by_bits = self.judge == "bits-per-byte"
        if not by_bits and self.log is None:
            raise ValueError('log: missing, which the judge "target" needs')
        if by_bits != (self.rule.test == "welch"):
            raise ValueError('rule.test: a judge "target" takes target or known-sigma, "bits-per-byte" takes welch')
        if not by_bits and self.limits.bytes is not None:
            raise ValueError('limits.bytes: the judge "target" measures no bytes')
        if self.replicates.seeds and self.log is not None and self.log.seed is None:
            raise ValueError("log.seed: missing, which replicates.seeds = true needs")
        if by_bits and self.ranked.by != "score":
            raise ValueError('ranked.by: the judge "bits-per-byte" ranks by score')
        return self
