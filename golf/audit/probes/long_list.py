"""One call with thousands of short documents: a scorer may treat its list otherwise from some place on."""

from golf.audit.evidence import Evidence
from golf.audit.scorer.checked_scorer import Tokens
from golf.audit.scorer.session import AuditSession

MANY = 4_096
"""Documents of the long list."""
FEW = 64
"""Documents of the short list, which measures what a document costs and how it scores near the start."""
TOKENS = 6
"""Of each document."""
SHARE, LEFT_SHARE = 0.25, 0.6
"""Shares of the budget, and of what is left of it, for the long list, which is scored twice."""
LEAST_SHARE = 0.1
"""Share of the budget that it has even if nothing is left."""
KIND = "in a list of thousands of documents"


def score_long_list(session: AuditSession, evidence: Evidence) -> None:
    """Score a long list of short documents, and the same list with its two halves exchanged; no loss may change.

    With ordered state, earlier documents may matter; then nothing is probed.
    """
    if session.ordered_state or not session.batchable or evidence.shows_violation(session):
        evidence.not_probed.append("a list of thousands of documents")
        return
    session.start_probe()
    documents = _short_documents(session, MANY)
    started = session.clock()
    few = session.call(documents[:FEW], [-1] * FEW)
    each = (session.clock() - started) / FEW
    seconds = max(LEAST_SHARE * session.seconds, min(SHARE * session.seconds, LEFT_SHARE * session.left))
    count = MANY if 2 * MANY * each <= seconds else int(seconds / max(1e-9, 2 * each))
    if count < MANY:
        evidence.not_probed.append(f"more than {max(count, FEW)} documents in one call")
    if count <= FEW:
        return
    documents = documents[:count]
    half = count // 2
    exchanged = [*documents[half:], *documents[:half]]
    first, second = (session.call(part, [-1] * count) for part in (documents, exchanged))
    second = [*second[count - half :], *second[: count - half]]
    numbers = [-1] * count
    evidence.comparisons.append(session.compare_numbers(KIND, numbers[:FEW], first[:FEW], few))
    evidence.comparisons.append(session.compare_numbers(KIND, numbers, second, first))


def _short_documents(session: AuditSession, count: int) -> list[Tokens]:
    """Pieces of the audit's documents, each after a BOS."""
    bos = session.documents[0].tokens[0]
    long = [document.tokens[1:] for document in session.documents if document.tokens.size > TOKENS + 1]
    pieces = []
    for place in range(count):
        tokens = long[place % len(long)]
        first = int(session.rng.integers(0, tokens.size - TOKENS + 1))
        piece = tokens[first : first + TOKENS].copy()
        piece[0] = bos
        pieces.append(piece)
    return pieces
