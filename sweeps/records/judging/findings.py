"""All findings on a record, and what they say against it.

Every finding has a permanent code and one line with the measured values. It says what the files say, never what
somebody meant. To add a check: write a function from a `Record` to `CheckResults`, add it to `CHECKS`, and its code to
`RULE_CODES` if it is a breach of the rules, or to `REMARKS` if it is no objection at all.
"""

from collections.abc import Callable, Sequence

from sweeps.board.rules import IMPLAUSIBLE_GAIN, LEAKS, Profile, RuleFinding
from sweeps.records.judging import adaptation, limits, protocol, scores, seeds, significance
from sweeps.records.judging.contest import check_contest
from sweeps.records.judging.measures import CheckResults
from sweeps.records.reading.files import printable
from sweeps.records.record import Record

RULE_CODES = LEAKS | {"size", "size-raw", "time", "time-last-step", "time-process", "coverage"}
"""Codes of breaches of the rules; every other finding is a claim that the files do not support, or a remark."""
LET_PASS: dict[Profile, frozenset[str]] = {
    "accepted": frozenset({"size-raw", "time-last-step", "time-process"}),
    "strict": frozenset(),
}
"""Breaches of the written rules that a profile lets pass."""
REMARKS = frozenset(
    (
        *("single-seed", "mixture", "other-protocol", "duplicate-log", "unread", "same-name", "byte-count"),
        *("slot", "own-metric", IMPLAUSIBLE_GAIN, "training-data", "document-count", "set-name"),
        *("mean-digits", "std-digits", "headline-metric"),
    )
)
"""Codes of what a reader should know and what is no objection."""
CHECKS: tuple[Callable[[Record], CheckResults], ...] = (
    adaptation.check_leaks,
    adaptation.check_gain,
    seeds.check_files,
    seeds.check_seeds,
    scores.check_scores,
    significance.check_significance,
    limits.check_sizes,
    limits.check_times,
    protocol.check_settings,
    protocol.check_coverage,
    protocol.check_training_data,
    protocol.check_byte_counts,
)


def judge_record(record: Record) -> tuple[RuleFinding, ...]:
    """Find everything that a record breaks, or claims and does not support, gravest kind first."""
    # Nothing that is asked of this challenge's records can be asked of another contest's.
    results = list(check_contest(record)) or [result for check in CHECKS for result in check(record)]
    return tuple(RuleFinding(code=code, detail=printable(detail)) for code, detail in results)


def list_breaches(findings: Sequence[RuleFinding], profile: Profile) -> list[str]:
    """Codes of the rules that a record breaks under a profile, each once."""
    return list(dict.fromkeys(finding.code for finding in findings if finding.code in RULE_CODES - LET_PASS[profile]))


def list_unsupported(findings: Sequence[RuleFinding]) -> list[str]:
    """Codes of claims that the files do not support, each once."""
    return list(dict.fromkeys(finding.code for finding in findings if finding.code not in RULE_CODES | REMARKS))
