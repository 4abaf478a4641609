"""Margin rules: by how much, and how surely, an entry must beat the current record. Every text takes them from here.

    written rule   lower by more than the README's margin, at its level of significance
    precedent      lower at all, at the level that the organizers let pass (pull requests 1514 and 1769)

To add a margin rule, add one line to `MARGIN_RULES`; name it in `PROFILE_RULES`, too, if a profile decides by it. The
leaderboard then has three columns for it, its p-value by Welch's test and paired by training, and, by its name, whether
it is passed; the table, `compare`, the report, `check` and a submission show it.

These say more of the two rules above than a line can, and stay as they are: the verdict and the next step
(`sweeps.views.verdicts`), which are by the written rule, and the p-value against the record in the terminal's long
table (the precedent's, `sweeps.views.terminal.table`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sweeps.board.rules import MARGIN_NATS, Profile
from sweeps.contests.catalog import default_contest


@dataclass(frozen=True, kw_only=True, slots=True)
class MarginRule:
    """What a claim to beat the current record must show."""

    title: str
    """Its name in sentences."""
    margin_nats: float
    """Nats per token by which the challenger must be lower."""
    level: float
    """The p-value must be below this."""
    p_column: str
    """The leaderboard's column with Welch's p-value against the current record at this margin."""

    @property
    def paired_column(self) -> str:
        """The leaderboard's column with the same p-value paired by training, which decides where there is one."""
        return f"{self.p_column}_paired"

    @property
    def requirement(self) -> str:
        """What it asks for, in words."""
        lower = f"lower by {margin_text(self.margin_nats)}" if self.margin_nats else "lower at all"
        return f"{lower}, p < {self.level:g}"

    def margin_bpb(self, bpb_per_nat: float | None) -> float | None:
        """Its margin in bits per byte of a validation set; None where the set's unit is unknown."""
        if self.margin_nats == 0:
            return 0.0
        return None if bpb_per_nat is None else bpb_per_nat * self.margin_nats


_RULE = default_contest().rule
assert _RULE.level is not None and _RULE.precedent_level is not None
MARGIN_RULES: dict[str, MarginRule] = {
    "written_rule": MarginRule(
        title="written rule", margin_nats=MARGIN_NATS, level=_RULE.level, p_column="p_written_rule"
    ),
    "precedent": MarginRule(title="precedent", margin_nats=0.0, level=_RULE.precedent_level, p_column="p_incumbent"),
}
PROFILE_RULES: Mapping[Profile, str] = {"strict": "written_rule", "accepted": "precedent"}
"""The margin rule that each profile decides by."""


def margin_text(nats: float) -> str:
    """A margin with its unit."""
    return f"{nats:g} nats per token"


def written_margin_text() -> str:
    """The written rule's margin with its unit."""
    return margin_text(MARGIN_RULES["written_rule"].margin_nats)
