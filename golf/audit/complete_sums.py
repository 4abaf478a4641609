"""Sums over the whole vocabulary in the shortest documents: what no partial sum shows."""

import math

from golf.audit import verdict
from golf.audit.evidence import Evidence
from golf.audit.probes import vocabulary
from golf.audit.scorer.documents import CUT, GENERATED, AuditDocument, choose_documents
from golf.audit.scorer.session import MIN_CALL_VARIANTS, AuditSession

WHOLE_SUMS = 8
"""Complete sums that every audit makes if its budget allows."""
POSITIONS_EACH = 4
"""Positions of one document among them, at most."""
TINY_TOKENS, TINY_SHARE = 3, 0.05
"""Tokens of the documents that are added for the sums that are still missing, and the share of the budget for each."""
WHOLE_SHARE = 0.25
"""Share of what is left of the budget that one of them may take."""


def complete_sums(session: AuditSession, evidence: Evidence) -> None:
    """Sum the whole vocabulary in the shortest documents until a verdict is possible, as the overdraft allows.

    Only complete sums show a scaled loss, or a constant subtracted from it. For a slow scorer they cost the most.
    """
    for index in sorted(range(session.num_listed), key=lambda index: session.documents[index].tokens.size):
        if verdict.has_enough_complete_sums(evidence.sums, session.precision):
            break
        tokens = session.documents[index].tokens
        # Measure what short documents cost in large calls, with a sixteenth of the vocabulary.
        session.score_variants(index, [tokens] * max(MIN_CALL_VARIANTS, session.vocab_size // 16))
        seconds = session.estimate_seconds(index, session.vocab_size * (tokens.size - 1))
        if seconds > session.overdraft:
            evidence.not_probed.append(
                f"a vocabulary sum over all {session.vocab_size} tokens, which takes {seconds:.3g} s"
            )
            return
        evidence.record(session, vocabulary.sum_vocabulary(session, index, tokens.size - 1))
    _complete_more_sums(session, evidence)


def _complete_more_sums(session: AuditSession, evidence: Evidence) -> None:
    """Sum the whole vocabulary at more positions of the shortest documents, as the budget allows; then in tiny ones."""
    complete = {(probe.document, probe.position) for probe in evidence.sums if probe.complete}
    for index in sorted(range(session.num_listed), key=lambda index: session.documents[index].tokens.size):
        size = session.documents[index].tokens.size
        for position in vocabulary.probe_order(size, session.rng)[:POSITIONS_EACH]:
            _complete_sum(session, evidence, index, position, WHOLE_SHARE * session.left, complete)
    most = TINY_SHARE * session.seconds
    shortest = min(range(session.num_listed), key=lambda index: session.documents[index].tokens.size)
    each = session.estimate_seconds(shortest, session.vocab_size * (TINY_TOKENS - 1))
    while len(complete) < WHOLE_SUMS and each <= most and session.overdraft > 0 and not session.ordered_state:
        index = add_document(session, TINY_TOKENS)
        for position in range(1, TINY_TOKENS):
            _complete_sum(session, evidence, index, position, math.inf, complete)


def _complete_sum(
    session: AuditSession, evidence: Evidence, index: int, position: int, most: float, complete: set[tuple[int, int]]
) -> None:
    """Sum the whole vocabulary at a position that has no complete sum yet, if it takes no more than so many seconds."""
    document = session.documents[index]
    seconds = session.estimate_seconds(index, session.vocab_size * (document.tokens.size - 1))
    if len(complete) < WHOLE_SUMS and seconds <= most and (document.number, position) not in complete:
        complete.add((document.number, position))
        evidence.record(session, vocabulary.sum_vocabulary(session, index, position))


def add_document(session: AuditSession, length: int) -> int:
    """Add a document of so many tokens, which is only ever scored alone; its index."""
    index = len(session.documents)
    texts = [document.tokens for document in session.documents if document.origin != GENERATED]
    number = 1 + max(document.number for document in session.documents)
    (document,) = choose_documents(texts, [length], session.vocab_size, session.rng, number)
    origin = document.origin if document.origin == GENERATED else CUT
    session.documents.append(AuditDocument(number=number, tokens=document.tokens, origin=origin))
    session.cost[index, False] = session.cost[0, False]
    session.reference = [*session.reference, *session.score_variants(index, [document.tokens])]
    return index
