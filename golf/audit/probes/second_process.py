"""The documents once more in a second process, whose first call is another one.

A scorer that learns from its first call and keeps still afterwards gives the same losses in every later call. In
another process, where the first call was another one, it gives others.
"""

from collections.abc import Sequence

from golf.audit.certificate import Comparison
from golf.audit.scorer.checked_scorer import CheckedScorer, Floats, ScorerError
from golf.audit.scorer.documents import make_document
from golf.audit.scorer.session import AuditSession, AuditStopped

SECOND_PROCESS = "in a second process, after another first call"
"""Kind of comparison as stored in certificates."""


def compare_second_process(session: AuditSession, scorer: CheckedScorer) -> Comparison:
    """Score other documents of the same lengths first, then the audit's list.

    Args:
        session: the audit, whose own scorer may have ended.
        scorer: the same scorer, made anew.

    Raises:
        AuditStopped: a call returned no usable losses.
    """
    listed = session.documents[: session.num_listed]
    tokens = [document.tokens for document in listed]
    numbers = [document.number for document in listed]
    other = [make_document(document.size, session.vocab_size, session.rng, tokens) for document in tokens]
    losses: Sequence[Floats] = []
    try:
        for documents, known in ((other, [-1] * len(other)), (tokens, numbers)):
            try:
                losses = scorer.score(documents)
            except ScorerError as error:
                raise AuditStopped(error.finding(known)) from None
    finally:
        session.scorer.calls += scorer.calls
        session.scorer.predictions += scorer.predictions
        session.scorer.printed += scorer.printed
    return session.compare_numbers(SECOND_PROCESS, numbers, losses, session.list_reference)
