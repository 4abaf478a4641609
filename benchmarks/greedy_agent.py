"""How many useless changes an agent keeps that follows `golfsweep next`, and how many by taking lower scores.

    python -m benchmarks.greedy_agent [--agents 20] [--edits 200] [--json]

Every agent tries changes one after the other, each a sweep of three fresh seeds on the same validation set, on a
made-up objective: scores are normal with a deviation of 1 mBPB from seed to seed. Null changes change nothing. A true
change lowers the objective by a number of those deviations; it is tried last, after all the null ones, when the
correction for tries is largest.

`follows next` decides by the functions behind the command (`decide_entry`): it keeps and discards what they say, and
what they would replicate it challenges on fresh seeds by the design that the command prices (`plan_replication`,
`run_replication`). `lower score` keeps whatever has a lower single score than the best so far, as naive loops do;
`lower than a fresh run` compares with a new single score of the present best.
"""

import argparse
import json
from collections import Counter
from typing import Any

import numpy as np

from golf.score import LN2
from sweeps.board.board import Board
from sweeps.board.entries import BoardEntry
from sweeps.board.evaluation import Evaluation, ValidationSet
from sweeps.board.leaderboard import open_board
from sweeps.board.ledger import TriesLedger
from sweeps.challenge.claim import measure_gain
from sweeps.challenge.past import ChallengeOutcome, PastChallenge
from sweeps.statistics import plan_replication
from sweeps.statistics.replication import run_replication
from sweeps.views.decisions.candidates import decide_entry
from sweeps.views.decisions.decision import Decision, DecisionWord

MEAN, DEVIATION = 1.2, 0.001
"""Bits per byte: of the objective, and from seed to seed."""
SEEDS = 3
GAINS = (2.0, 4.0, 6.0, 8.0)
"""Of true changes, in deviations; the written rule's margin is about 1.8 of them here."""
SET = ValidationSet(data="val", tokenizer="1024.model", documents=100, tokens=100_000, bytes=400_000)


class GreedyAgent:
    """Tries changes, and keeps what `next` says."""

    def __init__(self, number: int) -> None:
        self._random = np.random.default_rng(number)
        self._board: Board = open_board(profile="accepted", baseline="base")
        self._true = {"base": MEAN}
        self.best = "base"
        """What it has kept; every change starts from it."""
        self.seeds = 0
        """Seeds that it spent."""
        self._measure("base")

    def try_change(self, gain: float) -> DecisionWord:
        """Try a change that lowers the objective by so much, and decide on it in the end."""
        name = f"edit {len(self._true)}"
        self._true[name] = self._true[self.best] - gain
        entry = self._measure(name)
        decision = self._decide(entry)
        if decision.word == DecisionWord.REPLICATE:
            decision = self._decide(entry, self._challenge(entry))
        if decision.word == DecisionWord.KEEP:
            self.best = name
        return decision.word

    def _measure(self, name: str) -> BoardEntry:
        """A sweep of its own with three fresh seeds of a recipe."""
        number = len(self._true)
        self._board.add(
            [
                Evaluation(
                    row=name, seed=seed, sweep=f"sweep {number}", nll=bpb * SET.bytes * LN2, text=SET, scores=None,
                    artifact=f"{name} {seed}", model_bytes=1, code_bytes=1, clocks={}, cost=1.0,
                    stage=(float(number), 0), whole_set=True, fresh_seed=True, settings=name, audited=True,
                )
                for seed, bpb in enumerate(self._draw(name, SEEDS))
            ]
        )  # fmt: skip
        return next(entry for entry in reversed(self._board.entries()) if entry.name == name)

    def _draw(self, name: str, seeds: int) -> list[float]:
        self.seeds += seeds
        return list(self._true[name] + DEVIATION * self._random.normal(size=seeds))

    def _decide(self, entry: BoardEntry, challenge: PastChallenge | None = None) -> Decision:
        candidate = decide_entry(entry, self._board, TriesLedger(self._board.entries(), {}), challenge)
        assert candidate is not None  # the base came before
        return candidate.decision

    def _challenge(self, entry: BoardEntry) -> PastChallenge:
        """Both recipes on fresh seeds, analysis after analysis, as `golfsweep challenge` runs them."""
        against = self._board.opponent_of(entry)
        assert isinstance(against, BoardEntry)
        gain, noise = measure_gain(entry, against, shares_training=False)
        design = plan_replication(gain, 0.0, noise)
        facts: dict[str, Any] = {"sweep": f"challenge of {entry.name}", "against": against.name}
        if design is None:  # `next` discards what no affordable challenge settles
            return PastChallenge(**facts, seeds=0, outcome="undecided")
        ours, theirs = dict[int, float](), dict[int, float]()
        outcome: ChallengeOutcome = "undecided"
        for count in design.analyses:
            for scores, name in ((ours, entry.name), (theirs, against.name)):
                scores |= dict(enumerate(self._draw(name, count - len(scores)), start=len(scores)))
            made = run_replication(
                ours, theirs, seeds=range(count), gain=gain, margin=0.0, analyses=design.analyses, paired=False
            )
            if made[-1].outcome is not None:
                outcome = made[-1].outcome
                break
        return PastChallenge(**facts, seeds=len(ours), outcome=outcome)


def keep_lower(generator: np.random.Generator, edits: int, *, fresh: bool) -> int:
    """How many null changes an agent keeps that takes every lower single score."""
    best, kept = generator.normal(), 0
    for score in generator.normal(size=edits):
        if score < (generator.normal() if fresh else best):
            kept, best = kept + 1, score
    return kept


def measure(agents: int, edits: int, gains: tuple[float, ...] = GAINS) -> dict[str, Any]:
    """Shares of null changes that are kept, and of true ones, over many agents."""
    words, seeds, found = Counter[str](), 0, Counter[float]()
    for number in range(agents):
        agent = GreedyAgent(number)
        words.update(agent.try_change(0.0).value for _ in range(edits))
        seeds += agent.seeds
        for gain in gains:  # after all null changes, each in turn: what it keeps is what the next one starts from
            found[gain] += agent.try_change(gain * DEVIATION) == DecisionWord.KEEP
    generator = np.random.default_rng(0)
    naive = {fresh: sum(keep_lower(generator, edits, fresh=fresh) for _ in range(agents)) for fresh in (False, True)}
    tries = agents * edits
    return {
        "agents": agents,
        "edits": edits,
        "null kept": {
            "follows next": words["keep"] / tries,
            "lower score": naive[False] / tries,
            "lower than a fresh run": naive[True] / tries,
        },
        "seeds of an edit": seeds / tries,
        "true kept": {f"{gain:g} deviations": found[gain] / agents for gain in gains},
    }


def main() -> None:
    """Simulate agents and print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=20)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = measure(options.agents, options.edits)
    if options.json:
        print(json.dumps(measured, indent=2))
        return
    print(f"{options.agents} agents, {options.edits} null edits each; {measured['seeds of an edit']:.2f} seeds an edit")
    for name, share in measured["null kept"].items():
        print(f"null edits kept, {name:<24} {share:8.3%}")
    for name, share in measured["true kept"].items():
        print(f"true gain of {name} kept {share:8.0%}")


if __name__ == "__main__":
    main()
