"""Choose the documents of an audit and score the reference losses that all probes compare with."""

from collections.abc import Sequence
from dataclasses import replace

from golf.audit import probe_plan
from golf.audit.evidence import Evidence
from golf.audit.probes import neighbors
from golf.audit.scorer.checked_scorer import Floats, Tokens
from golf.audit.scorer.documents import LENGTHS, LONG_TOKENS, MORE_LENGTHS, AuditDocument, choose_documents
from golf.audit.scorer.precision import measure_precision
from golf.audit.scorer.session import AuditSession

EXTRA_SHARE = 0.15
"""Share of the budget that a document beyond the first few may cost in the probes that score all documents."""
TIMES_ALL_SCORED = 8
"""How often those probes score every document, about."""
LONG_SHARE = 0.3
"""Share of the budget for the future of one long document."""


def set_reference(session: AuditSession, evidence: Evidence, given: Sequence[Tokens]) -> None:
    """Choose documents that the budget allows, and score them all once: these losses are the reference."""
    lengths = list(LENGTHS)
    session.documents = choose_documents(given, lengths, session.vocab_size, session.rng, len(given))
    session.num_listed = len(session.documents)
    first = session.score_documents()
    session.precision = measure_precision(first)
    started = session.clock()  # after the first call, which loads and compiles
    evidence.comparisons += neighbors.repeat_reference(session, first)
    each = (session.clock() - started) / (2 * sum(losses.size for losses in first))
    for length in MORE_LENGTHS:
        if TIMES_ALL_SCORED * each * length <= EXTRA_SHARE * session.seconds:
            lengths.append(length)
        else:
            evidence.not_probed.append(f"documents of {length} tokens")
    before = {document.number: losses for document, losses in zip(session.documents, first, strict=True)}
    session.documents = _add_documents(session, given, lengths)
    session.num_listed = len(session.documents)
    session.reference = session.list_reference = session.score_documents()
    session.precision = replace(measure_precision(session.reference), noise=session.precision.noise)
    session.cost = {(index, False): each for index in range(len(session.documents))}
    _add_long_document(session, evidence, given, each)
    if not session.ordered_state:
        _compare_with_first_call(session, evidence, before)


def _compare_with_first_call(session: AuditSession, evidence: Evidence, before: dict[int, Floats]) -> None:
    """Documents of the first call must score the same in the longer list."""
    kept = [index for index, document in enumerate(session.documents) if document.number in before]
    losses = [session.reference[index] for index in kept]
    expected = [before[session.documents[index].number] for index in kept]
    evidence.comparisons.append(session.compare("with more documents after it", kept, losses, expected))


def _add_documents(session: AuditSession, given: Sequence[Tokens], lengths: Sequence[int]) -> list[AuditDocument]:
    """The documents chosen first, and one for each further length; with ordered state the shortest first, which keeps
    the documents that precede a variant cheap."""
    taken = {document.number for document in session.documents}
    free = [index for index in range(len(given)) if index not in taken]
    tokens = [given[index] for index in free]
    first = len(given) + len(session.documents)
    extra = choose_documents(tokens, lengths[len(session.documents) :], session.vocab_size, session.rng, first)
    numbered = [
        replace(document, number=free[document.number]) if document.origin == "given" else document
        for document in extra
    ]
    documents = [*session.documents, *numbered]
    return sorted(documents, key=lambda document: document.tokens.size) if session.ordered_state else documents


def _add_long_document(session: AuditSession, evidence: Evidence, given: Sequence[Tokens], each: float) -> None:
    """If no listed document is long, add one that is only ever scored alone, if the budget allows to change its future.

    `each` is the cost of a prediction in seconds.
    """
    longest = max(document.tokens.size for document in session.documents)
    if session.ordered_state or longest >= LONG_TOKENS * 3 // 4:
        return
    if (probe_plan.MIN_CHANGES + 1) * each * LONG_TOKENS > LONG_SHARE * session.seconds:
        return
    taken = {document.number for document in session.documents}
    free = {index: tokens for index, tokens in enumerate(given) if index not in taken}
    number = len(given) + session.num_listed
    (document,) = choose_documents(list(free.values()), [LONG_TOKENS], session.vocab_size, session.rng, number)
    number = list(free)[document.number] if document.origin == "given" else document.number
    session.documents.append(replace(document, number=number))
    session.cost[session.num_listed, False] = each
    session.reference = [*session.reference, *session.score_variants(session.num_listed, [document.tokens])]
    listed = f"documents of {LONG_TOKENS} tokens"
    evidence.not_probed[:] = [skipped for skipped in evidence.not_probed if skipped != listed]
    evidence.not_probed.append(f"document {number} in one call with others")
