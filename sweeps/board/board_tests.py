"""Tests of a leaderboard's entries against the baseline and their incumbents, computed once for each change."""

from collections.abc import Hashable, Mapping
from contextlib import suppress
from functools import partial

import numpy as np

from jobs.errors import Unreadable
from sweeps.board import frontier
from sweeps.board.arrays import EntryArrays, Ints
from sweeps.board.margin_rules import MARGIN_RULES, MarginRule
from sweeps.board.pairs.counterparts import Counterparts
from sweeps.board.pairs.differences import ReadScores, compare_common_seeds, compute_paired_p, compute_published_p
from sweeps.board.pairs.families import LARGEST_FAMILY, Family, judge_family
from sweeps.board.pairs.seed_test import TESTS, VERDICT_VALUES
from sweeps.board.pairs.settlement import Settlement, plan_settlement
from sweeps.board.pairs.table_tests import TableTests
from sweeps.board.rules import Published


class BoardTests:
    """The tests of the entries in some arrays."""

    def __init__(
        self,
        arrays: EntryArrays,
        *,
        baseline: str | Published | None,
        rule: MarginRule,
        read_scores: ReadScores | None,
    ) -> None:
        self._arrays, self._baseline, self.rule, self._read_scores = arrays, baseline, rule, read_scores
        self.to_base = Counterparts(("p", "paired_seeds", "paired", *VERDICT_VALUES))
        """Welch's p with the written rule's margin, the same paired by training, and p over documents."""
        paired = [rule.paired_column for rule in MARGIN_RULES.values()]
        self.to_incumbent = Counterparts((*MARGIN_RULES, *paired, "difference", "seeds", *VERDICT_VALUES))
        """Welch's and paired p under each margin rule, difference in bits per byte over common seeds, their number."""
        self.rivals: dict[int, Ints] = {}
        """Place → places of better public records of which nobody knows whether they came before it, best first."""
        self._families: dict[Hashable, Family] = {}
        self._settlements: dict[Hashable, Settlement] = {}

    def update(self, base: int) -> None:
        """Test all entries that have changed since the last time.

        Args:
            base: place of the baseline's entry, −1 for none.
        """
        self._test_against_base(base)
        self._test_against_incumbents()

    def judge_family(self, base: int, order: Ints) -> dict[int, Mapping[str, float | None]]:
        """Pool the variance of the baseline's sweep.

        Args:
            base: place of the baseline's entry, −1 for none.
            order: places of the entries that are shown.

        Returns:
            Index in `order` → pooled columns; empty without a baseline, or where its sweep is too large.
        """
        entries, group = self._arrays.entries, self._arrays.group
        if base < 0 or group[base] < 0:
            return {}
        near = np.flatnonzero(group[order] == group[base]).tolist()
        members = {index: int(order[index]) for index in near if entries[order[index]].sweep == entries[base].sweep}
        if len(members) > LARGEST_FAMILY:
            return {}
        places = list(members.values())
        key = (base, *places, *self._arrays.version[places].tolist())
        if key not in self._families:
            self._families = {key: judge_family([entries[place] for place in places], entries[base])}
        family = self._families[key]
        return {index: family[entries[place]] for index, place in members.items() if entries[place] in family}

    def plan_settlements(self, places: Mapping[int, int], name: str) -> dict[int, Settlement]:
        """Plan what claims still need under the margin rule of that name: index → settlement, for places by index."""
        settlements, rule = {}, MARGIN_RULES[name]
        for index, place in places.items():
            p = float(self.to_incumbent.values[rule.paired_column][place])
            if np.isnan(p):
                p = float(self.to_incumbent.values[name][place])
            other = int(self.to_incumbent.other[place])
            if np.isnan(p):  # of one seed, without an incumbent, or against an unknown margin
                continue
            key = (name, place, self._arrays.version[place], other, self._arrays.version[other])
            if key not in self._settlements:
                entry, incumbent = self._arrays.entries[place], self._arrays.entries[other]
                self._settlements[key] = plan_settlement(entry, incumbent, p, rule)
            settlements[index] = self._settlements[key]
        return settlements

    def _test_against_base(self, base: int) -> None:
        entries, group = self._arrays.entries, self._arrays.group
        places = self.to_base.update(np.full(len(entries), base), self._arrays.version)
        values, written = self.to_base.values, MARGIN_RULES["written_rule"].margin_nats
        if isinstance(self._baseline, Published):
            for place in places:
                entry, test = entries[place], partial(compute_published_p, entries[place], self._baseline)
                values["p"][place], values["lower"][place] = test(entry.margin), test(0.0)
                values["rule"][place] = test(self.rule.margin_bpb(entry.bpb_per_nat))
                values["test"][place] = TESTS.index("welch" if self._baseline.has_spread else "target")
            return
        tests = TableTests(self._arrays, places, np.full(places.size, base))
        values["p"][places], values["paired_seeds"][places] = tests.welch(written), tests.paired_seeds(written)
        self._decide(self.to_base, places, tests)
        if base >= 0 and self._read_scores is not None and group[base] >= 0:
            for place in places[tests.comparable]:
                with suppress(Unreadable):  # then it stays unknown
                    values["paired"][place] = compute_paired_p(entries[place], entries[base], self._read_scores)

    def _test_against_incumbents(self) -> None:
        arrival, (mean, n, seeds) = self._arrays.column("epoch", "order"), self._arrays.column("mean", "n", "seeds").T
        group, public = self._arrays.group, self._arrays.public_order
        incumbents = frontier.find_incumbents(group, arrival, mean, public)
        self.rivals = frontier.find_rivals(group, arrival, mean, public, incumbents)
        places = self.to_incumbent.update(incumbents, self._arrays.version)
        others = incumbents[places]
        values, tests = self.to_incumbent.values, TableTests(self._arrays, places, others)
        for name, rule in MARGIN_RULES.items():
            values[name][places] = tests.welch(rule.margin_nats)
            values[rule.paired_column][places] = tests.paired_seeds(rule.margin_nats)
        self._decide(self.to_incumbent, places, tests)
        same = (others >= 0) & (seeds[places] == seeds[others]) & (seeds[places] >= 0)  # all seeds are in common
        values["difference"][places[same]] = mean[places[same]] - mean[others[same]]
        values["seeds"][places[same]] = n[places[same]]
        rest = (others >= 0) & ~same
        for place, other in zip(places[rest], others[rest], strict=True):
            difference = compare_common_seeds(self._arrays.entries[place], self._arrays.entries[other])
            values["difference"][place], values["seeds"][place] = difference

    def _decide(self, pairs: Counterparts, places: Ints, tests: TableTests) -> None:
        """Take what a verdict needs from tests."""
        pairs.values["rule"][places] = tests.deciding(self.rule.margin_nats)
        pairs.values["lower"][places] = tests.deciding(0.0)
        test = np.where(tests.paired, TESTS.index("paired-artifacts"), TESTS.index("welch"))
        pairs.values["test"][places] = np.where(tests.comparable, test, np.nan)
