"""The evidence that an audit has collected so far, and the findings that follow from it."""

from dataclasses import dataclass, field

from golf.audit import verdict
from golf.audit.certificate import LENGTH_KINDS, Comparison, Finding, FutureChange, VocabularySum
from golf.audit.probes.vocabulary import SumProbe
from golf.audit.scorer.session import AuditSession

MIN_SUMMED_TOKENS = 100
"""An audit sums the vocabulary in at least one document of this length, whatever it costs."""


@dataclass(slots=True, kw_only=True)
class Evidence:
    """All probes so far."""

    sums: list[VocabularySum] = field(default_factory=list)
    changes: list[FutureChange] = field(default_factory=list)
    comparisons: list[Comparison] = field(default_factory=list)
    not_probed: list[str] = field(default_factory=list)
    """What the budget or the scorer did not allow to probe, in words."""
    direct_findings: list[Finding] = field(default_factory=list)
    """Findings that need no further evidence."""

    def findings(self, session: AuditSession) -> list[Finding]:
        """The findings that the probes support, one a condition."""
        findings = [
            *self.direct_findings,
            *verdict.comparison_findings(self.comparisons),
            *verdict.future_findings(self.changes, session.bytes_per_target),
            *verdict.sum_findings(self.sums, self.changes, session.precision),
            *verdict.random_token_findings(self.comparisons, self.changes),
        ]
        return list({finding.condition: finding for finding in reversed(findings)}.values())[::-1]

    def notes(self, session: AuditSession) -> list[str]:
        """What a reader should know and what is no objection."""
        if (deficit := verdict.find_deficit(self.sums)) is None or session.precision.rough:
            return []
        least, most = (f"{total:.4g}" for total in deficit)
        shown = f"{least} everywhere" if least == most else f"{least} to {most}"
        return [f"probabilities sum to {shown}: what is missing makes its score worse, not better"]

    def record(self, session: AuditSession, probe: SumProbe) -> None:
        """Add a sum; before the first wrong one counts, its calls are repeated."""
        if verdict.wrong_sums([probe.sum], session.precision) and not self.shows_violation(session):
            session.confirm("sum")
        self.sums.append(probe.sum)
        if isinstance(probe.true_token, FutureChange):
            self.changes.append(probe.true_token)
        else:
            self.comparisons.append(probe.true_token)
        if probe.change is not None:
            self.changes.append(probe.change)

    def may_cut(self, number: int) -> bool:
        """Whether a document's length was changed and no loss of any document moved: then cutting it is safe."""
        tested = any(change.kind in LENGTH_KINDS and change.document == number for change in self.changes)
        return tested and not any(change.exceeds_tolerance for change in self.changes)

    def suffices(self, session: AuditSession) -> bool:
        """Whether the probes that every verdict needs were made.

        These are: the future of every document, a sum in one that is not short, and enough complete sums anywhere.
        """
        if not verdict.has_enough_complete_sums(self.sums, session.precision):
            return False
        tiny = {document.number for document in session.documents if document.tokens.size < 4}
        changed = {change.document for change in self.changes} | tiny
        long = {document.number for document in session.documents if document.tokens.size >= MIN_SUMMED_TOKENS}
        summed = any(probe.document in long for probe in self.sums)
        return summed and changed >= {document.number for document in session.documents}

    def shows_violation(self, session: AuditSession) -> bool:
        """Whether the evidence so far violates a condition; a `length` finding does not."""
        return any(finding.condition != "length" for finding in self.findings(session))
