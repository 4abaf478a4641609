"""The next step for a claim: one function, from which every command and page has its advice."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sweeps.views.entry_facts import EntryColumns
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.wording import format_price_range

DECIDING = "written_rule"
"""The margin rule that says whether a claim is shown, whatever rules a sweep is judged by."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NextStep:
    """What to do next, and the command for it."""

    sentence: str
    command: str | None
    """Works as it is typed where the sweep was run; None where no command does it."""

    def beyond_comparison(self) -> "NextStep":
        """The step for readers who have the comparison before them: without its command."""
        is_comparison = self.command is not None and " compare " in self.command
        return replace(self, command=None) if is_comparison else self


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenClaim:
    """That an entry beats another by the written rule's margin, and what it still needs."""

    challenger: str
    incumbent: str
    incumbent_is_own: bool
    """Whether the incumbent is an entry of the same sweep."""
    passed: bool | None
    """None where no test is possible."""
    seeds: int | None
    """Seeds still needed at the better end of the difference's interval; None where no affordable number is enough."""
    seeds_most: int | None
    """The same at the worse end."""
    dollars: float | None
    dollars_most: float | None
    incumbent_too: bool
    """Whether the incumbent needs as many."""


def claim_of_entry(entry: EntryColumns) -> OpenClaim | None:
    """The claim of an entry of a leaderboard against its current record; None where it has no record to beat."""
    if entry["incumbent"] is None:
        return None
    return OpenClaim(
        challenger=entry["name"],
        incumbent=entry["incumbent"],
        incumbent_is_own=bool(entry["incumbent_too"]) and "/" not in entry["incumbent"],
        passed=entry[DECIDING],
        seeds=entry["seeds_to_record"],
        seeds_most=entry["seeds_to_record_most"],
        dollars=entry["dollars_to_record"],
        dollars_most=entry["dollars_to_record_most"],
        incumbent_too=bool(entry["incumbent_too"]),
    )


def claim_of_comparison(comparison: Mapping[str, Any]) -> OpenClaim:
    """The claim of a comparison's challenger against its incumbent."""
    challenger, incumbent = comparison["challenger"], comparison["incumbent"]
    is_own = challenger["sweep"] is not None and challenger["sweep"] == incumbent["sweep"]
    plan = comparison["plans"][DECIDING] or {}
    least, most = plan.get("least") or {}, plan.get("most") or {}
    return OpenClaim(
        challenger=challenger["name"],
        incumbent=incumbent["name"] if is_own else incumbent["known_as"],
        incumbent_is_own=is_own,
        passed=comparison["verdicts"][DECIDING]["passed"],
        seeds=least.get("more"),
        seeds_most=most.get("more"),
        dollars=least.get("dollars"),
        dollars_most=most.get("dollars"),
        incumbent_too=bool(plan.get("incumbent_too")),
    )


def advance_claim(claim: OpenClaim, commands: CommandWords, *, holds_corrected: bool = True) -> NextStep:
    """What a claim needs next.

    Args:
        claim: of an entry against another.
        commands: how commands name them.
        holds_corrected: whether the claim is also shown when it is corrected for everything that was tried.
    """
    compare = commands.compare(claim.challenger, claim.incumbent, incumbent_is_own=claim.incumbent_is_own)
    if claim.passed and not holds_corrected:
        return NextStep(sentence="test it on fresh seeds", command=commands.challenge(claim.challenger))
    if claim.passed:
        return NextStep(sentence="write it up", command=commands.package(claim.challenger))
    if claim.passed is None:
        return NextStep(sentence="give both at least two seeds, on a validation set of known size", command=compare)
    if claim.seeds is None:
        return NextStep(
            sentence="find a larger gain: no affordable number of seeds would show this one", command=compare
        )
    price = format_price_range(claim.dollars, claim.dollars_most)
    return NextStep(sentence=f"{describe_seeds(claim)}{price and f', {price}'}", command=compare)


def describe_seeds(claim: OpenClaim) -> str:
    """The seeds that a claim still needs, e.g. 1 to 23 more seeds each."""
    least, most = claim.seeds, claim.seeds_most
    many = f"at least {least}" if most is None else f"{least}" if most == least else f"{least} to {most}"
    ending = "" if 1 in (least, most) and most in (None, 1) else "s"
    return f"{many} more seed{ending}{' each' if claim.incumbent_too else ''}"
