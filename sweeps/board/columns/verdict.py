"""The columns of an entry's verdict: what the profile's margin rule says of it, by which test, and against whom."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sweeps.board.entries import BoardEntry
from sweeps.board.pairs.counterparts import Counterparts
from sweeps.board.pairs.seed_test import TESTS, VERDICT_VALUES

Objects = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
VerdictWord = Literal["better", "worse", "undecided", "not comparable", "flagged"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """The verdict's columns, each [entries]."""

    verdict: Objects
    """A VerdictWord."""
    test: Objects
    """A VerdictTest; None where no test is possible."""
    p: Floats
    """p of that test by the profile's margin rule; NaN where no test is possible."""
    against: Objects
    """Name of the entry that it is against; None for none."""
    opponents: Ints
    """Place of that entry; −1 for none."""


def judge_entries(
    entries: list[BoardEntry], order: Ints, record: Counterparts, baseline: Counterparts, level: float
) -> Verdicts:
    """Judge entries against their current record, or against the baseline where no record is earlier.

    `better`: by the margin rule of the profile; `worse`: higher at all, at the same level.

    Args:
        entries: by place.
        order: places of the entries to judge.
        record: of each place, with VERDICT_VALUES.
        baseline: likewise.
        level: of the profile's margin rule.
    """
    has_record = record.other[order] >= 0
    p, lower, test = (
        np.where(has_record, record.values[name][order], baseline.values[name][order]) for name in VERDICT_VALUES
    )
    against = np.where(has_record, record.other[order], baseline.other[order])
    flagged = np.array([entries[place].track == "flagged" for place in order], bool)
    conditions = [flagged, np.isnan(test), p < level, 1 - lower < level]
    words: list[VerdictWord] = ["flagged", "not comparable", "better", "worse"]
    tested = np.flatnonzero(np.isfinite(p)).tolist()
    tests, names = (np.full(order.size, None, object) for _ in range(2))
    for index in tested:
        other, own = int(against[index]), entries[order[index]]
        tests[index] = TESTS[int(test[index])]
        names[index] = "published baseline" if other < 0 else entries[other].name_within(own.sweep)
    verdict = np.select(conditions, [np.array(word, object) for word in words], np.array("undecided", object))
    return Verdicts(verdict=verdict, test=tests, p=p, against=names, opponents=np.where(np.isfinite(p), against, -1))
