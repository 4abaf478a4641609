"""What an audit has seen so far, and what that amounts to."""

from dataclasses import dataclass, field

from golf.audit import verdict
from golf.audit.certificate import Change, Context, Finding, Sum
from golf.audit.scorer.bench import Bench

LEAST_SUMMED = 100
"""Tokens of a document with a sum in it, whatever it costs."""


@dataclass(slots=True, kw_only=True)
class Log:
    """All probes so far, and what they say."""

    sums: list[Sum] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)

    def findings(self, bench: Bench) -> list[Finding]:
        """What the probes support, one finding a condition."""
        found = [
            *self.faults,
            *verdict.company_findings(self.contexts),
            *verdict.future_findings(self.changes, bench.bytes_per_target),
            *verdict.sum_findings(self.sums, self.changes, bench.precision),
            *verdict.luck_findings(self.contexts, self.changes),
        ]
        return list({one.condition: one for one in reversed(found)}.values())[::-1]

    def blind(self, number: int) -> bool:
        """Whether a document was cut, and nothing of any document moved: it may be cut where that saves time."""
        cut = any(one.kind in ("cut", "grown") and one.document == number for one in self.changes)
        return cut and not any(one.beyond for one in self.changes)

    def judged(self, bench: Bench) -> bool:
        """Whether the least program was gone through.

        The future of every document, a sum in one not short, and what it takes of complete sums, wherever they are.
        """
        if not verdict.added_up(self.sums, bench.precision):
            return False
        seen = {one.document for one in self.changes} | {one.number for one in bench.judged if one.tokens.size < 4}
        longer = {one.number for one in bench.judged if one.tokens.size >= LEAST_SUMMED}
        return any(one.document in longer for one in self.sums) and seen >= {one.number for one in bench.judged}

    def broken(self, bench: Bench) -> bool:
        """Whether a condition is broken."""
        return any(finding.condition != "length" for finding in self.findings(bench))
