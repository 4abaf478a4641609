"""The cheapest step that can settle what to do with a candidate, with its command and price."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from golf.errors import InputError
from jobs.store import SweepRecord
from jobs.workplace import Workplace
from sweeps.board.board import Board
from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.seed_test import plan_seeds
from sweeps.board.pairs.settlement import price_seeds
from sweeps.challenge.claim import ChallengedClaim, claim_of
from sweeps.challenge.design import challenge_name, design_challenge, price_challenge
from sweeps.statistics.planning import MOST_SEEDS
from sweeps.views.decisions.candidates import Candidate
from sweeps.views.decisions.decision import Decision, DecisionWord
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.wording import format_price_range

FIRST_SEEDS = 2
"""Seeds to add to an entry whose noise is unknown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PricedStep:
    """What to do next, the command for it, and what it costs."""

    sentence: str
    command: str | None
    """Works as it is typed where the sweep was run, with the path of the sweep file for FILE; None for no command."""
    seeds: int | None = None
    """Seeds that it trains or evaluates of each side, at least."""
    seeds_most: int | None = None
    dollars: float | None = None
    """Price at least; 0 for what costs nothing, None where it is unknown."""
    dollars_most: float | None = None


def settle_candidate(
    candidate: Candidate, board: Board, record: SweepRecord, place: Workplace, words: CommandWords
) -> tuple[Candidate, PricedStep]:
    """The next step for a candidate, which is discarded after all if no affordable number of seeds would settle it.

    Args:
        candidate: of the sweep.
        board: the sweep's leaderboard.
        record: the sweep.
        place: the home.
        words: how commands name its entries.
    """
    name = candidate.entry.name
    if candidate.decision.word == DecisionWord.KEEP:
        sentence = "keep it: start the next change from it, and write it up"
        return candidate, PricedStep(sentence=sentence, command=words.package(name), dollars=0.0, dollars_most=0.0)
    if candidate.decision.word == DecisionWord.DISCARD:
        return candidate, PricedStep(
            sentence="discard it: try another change", command=None, dollars=0.0, dollars_most=0.0
        )
    try:
        claim = claim_of(f"{record.name}/{name}", candidate.entry, board, record, place)
    except InputError:  # of a script, of one seed, against another data set: more seeds in its own sweep
        return _add_seeds(candidate, record, words)
    try:
        return candidate, _challenge(claim, place, words)
    except InputError as error:
        return _give_up(candidate, error.error), _give_up_step()


def _challenge(claim: ChallengedClaim, place: Workplace, words: CommandWords) -> PricedStep:
    stored = place.store.sweep(challenge_name(claim))
    analyses = design_challenge(claim).analyses if stored is None else stored.spec["file"]["challenge"]["analyses"]
    seeds = analyses[0], analyses[-1]
    least, most = price_challenge(claim, seeds)
    price = format_price_range(least, most)
    many = f"{seeds[0]} to {seeds[1]}" if seeds[0] < seeds[1] else f"{seeds[0]}"
    goes_on = "" if stored is None else "go on to "
    return PricedStep(
        sentence=f"{goes_on}test it on {many} fresh seeds of each{price and f', {price}'}",
        command=words.challenge(claim.entry.name), seeds=seeds[0], seeds_most=seeds[1], dollars=least,
        dollars_most=most,
    )  # fmt: skip


def _add_seeds(candidate: Candidate, record: SweepRecord, words: CommandWords) -> tuple[Candidate, PricedStep]:
    """More seeds in the entry's own sweep: as many as the claim needs to hold over all settings that were tried."""
    entry, against, numbers = candidate.entry, candidate.against, candidate.numbers
    assert numbers is not None
    least: int | None = FIRST_SEEDS
    most = least
    if numbers.p is not None and isinstance(against, BoardEntry) and numbers.margin is not None:
        level = 1 - (1 - numbers.level) ** (1 / numbers.tries)
        plans = plan_seeds(entry, against, numbers.margin, level)
        least, most = (None if plan is None else plan.more for plan in (plans.least, plans.most))
    if least is None:
        why = f"no affordable number of seeds would show it after {numbers.tries} tries"
        return _give_up(candidate, why), _give_up_step()
    other = against if isinstance(against, BoardEntry) else None
    prices = price_seeds(entry, other, least), price_seeds(entry, other, most)
    many = f"at least {least}" if most is None else f"{least}" if most == least else f"{least} to {most}"
    price = format_price_range(*prices)
    return candidate, PricedStep(
        sentence=f"add {many} seeds to seeds.confirm and run its file again{price and f', {price}'}",
        command=words.run_with(f"seeds.confirm={more_seeds(record.spec['file'], least)}"),
        seeds=least, seeds_most=most, dollars=prices[0], dollars_most=prices[1],
    )  # fmt: skip


def more_seeds(file: Mapping[str, Any], more: int) -> str:
    """The confirm seeds of a sweep file with so many others that it does not use."""
    lists = [*file["seeds"].values(), *(arm.get("seeds", []) for arm in file.get("arm", []))]
    largest = max((seed for seeds in lists for seed in seeds), default=0)
    confirm = [*file["seeds"].get("confirm", []), *range(largest + 1, largest + 1 + min(more, MOST_SEEDS))]
    return str(confirm).replace(" ", "")


def _give_up(candidate: Candidate, why: str) -> Candidate:
    return replace(candidate, decision=Decision(word=DecisionWord.DISCARD, why=why))


def _give_up_step() -> PricedStep:
    return PricedStep(sentence="discard it: try a larger change", command=None, dollars=0.0, dollars_most=0.0)
