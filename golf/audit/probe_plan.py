"""Which positions of which documents are probed, in what order, and what share of the budget each probe may cost."""

import itertools
import math
from collections.abc import Iterator

from golf.audit import verdict
from golf.audit.certificate import LENGTH_KINDS, FutureChange
from golf.audit.evidence import MIN_SUMMED_TOKENS, Evidence
from golf.audit.probes import future, importance_sums, vocabulary
from golf.audit.scorer.documents import CUT, GENERATED, AuditDocument, choose_documents
from golf.audit.scorer.session import MIN_CALL_VARIANTS, AuditSession

SUM_SHARE = 0.08
"""Share of the budget for one vocabulary sum."""
FOLLOW_UP_SHARE = 0.35
"""Share for a sum at a position whose loss changed with later tokens."""
SMALL_SHARE = 0.02
"""Share for a sum in the shortest documents when no budget is left."""
GUIDE_SHARE = 0.2
"""Share for each half of a sum guided by the cut document: the guide, and the sum."""
MAX_GUIDED_TOKENS = 64
"""Tokens drawn for such a sum, at most."""
SMALL_VOCABULARY = 160
"""Vocabularies below this are summed whole instead."""
MAX_FOLLOW_UPS = 3
"""Documents whose changed losses are followed up by sums, at most."""
FUTURE_SHARE = 0.1
"""Share of the remaining budget for the future of one document."""
MIN_CHANGES = 6
"""Changes probed in every document, whatever they cost."""
RESERVED_SHARE = 0.1
"""Share of the budget reserved for the last call."""
MIN_CONTEXT_GUIDED = 64
"""Tokens of a partial sum from which a context guide pays for itself."""
MIN_TOKENS = 16
"""Tokens of a partial sum, at least."""
FIRST_SUMS = ((3, 2), (60, 6), (200, 8), (700, 5), (math.inf, 2))
"""(tokens, positions): positions summed in the first round in documents of up to so many tokens."""
WHOLE_SUMS = 8
"""Complete sums that every audit makes if its budget allows."""
POSITIONS_EACH = 4
"""Positions of one document among them, at most."""
TINY_TOKENS, TINY_SHARE = 3, 0.05
"""Tokens of the documents that are added for the sums that are still missing, and the share of the budget for each."""
WHOLE_SHARE = 0.25
"""Share of what is left of the budget that one of them may take."""


def probe_future(session: AuditSession, evidence: Evidence, index: int) -> None:
    """Change the future of a document after a few positions, and change its length."""
    document = session.documents[index]
    variants = future.plan_variants(session, index, vocabulary.probe_order(document.tokens.size, session.rng))
    each = session.estimate_seconds(index, document.tokens.size)
    count = max(MIN_CHANGES, int(FUTURE_SHARE * session.left / max(1e-9, each)))
    if MIN_CHANGES * each > session.overdraft:
        evidence.not_probed.append(f"the future of document {document.number}")
        return
    # The first few measure what variants cost in one call.
    for part in (variants[:MIN_CHANGES], variants[MIN_CHANGES:count]):
        if part:
            evidence.changes += future.probe_variants(session, index, part)


def probe_first_sums(session: AuditSession, evidence: Evidence) -> None:
    """The first round of vocabulary sums: where a loss changed, then a few positions of every document."""
    followed: set[int] = set()
    length_sensitive = _length_sensitive(session, evidence)
    _follow_up_changes(session, evidence, followed, length_sensitive)
    for index in length_sensitive:
        if index not in followed and session.left > 0:
            _sum_guided_by_cut(session, evidence, index, GUIDE_SHARE * session.seconds)
    _follow_up_cuts(session, evidence, followed)
    _sum_one_long_document(session, evidence)
    _sum_end_of_longest(session, evidence)
    _complete_sums(session, evidence)
    complete = {(probe.document, probe.position) for probe in evidence.sums if probe.complete}
    for index, position in _first_positions(session):
        if (session.documents[index].number, position) in complete:
            continue
        shortest = session.documents[index].tokens.size <= FIRST_SUMS[0][0]
        left = max(0.8 * session.left, SMALL_SHARE * session.seconds if shortest else 0.0)
        sum_position(session, evidence, index, position, SUM_SHARE * session.seconds, left)


def _follow_up_changes(
    session: AuditSession, evidence: Evidence, followed: set[int], length_sensitive: list[int]
) -> None:
    """Sum where a loss changed with later tokens, in a few documents, the cheapest first."""
    indices = {document.number: index for index, document in enumerate(session.documents)}
    moved = [change for change in evidence.changes if change.exceeds_tolerance]
    moved = [change for change in moved if change.kind not in LENGTH_KINDS]
    for change in sorted(
        moved, key=lambda change: session.estimate_seconds(indices[change.document], 1) * change.changed
    ):
        index = indices[change.document]
        if index in followed or len(followed) >= MAX_FOLLOW_UPS:
            continue
        followed.add(index)
        seconds, left = FOLLOW_UP_SHARE * session.seconds, session.left
        if len(followed) == 1:
            least = MIN_TOKENS * session.estimate_seconds(index, session.documents[index].tokens.size)
            seconds, left = max(seconds, 1.5 * least), session.overdraft
        first = min(other.first_moved for other in moved if other.document == change.document)
        guided = index in length_sensitive and first <= importance_sums.LATEST_CUT_POSITION
        if not guided or not _sum_guided_by_cut(session, evidence, index, min(seconds, left)):
            sum_position(session, evidence, index, change.position, seconds, left)


def _follow_up_cuts(session: AuditSession, evidence: Evidence, followed: set[int]) -> None:
    """Sum at the last position before a cut if its loss changed: it may have read its own target."""
    indices = {document.number: index for index, document in enumerate(session.documents)}
    cuts = [change for change in evidence.changes if change.kind == "cut" and change.exceeds_tolerance]
    for change in sorted(cuts, key=lambda change: change.position):
        index = indices[change.document]
        if change.position == change.changed - 1 and index not in followed and len(followed) < 2 * MAX_FOLLOW_UPS:
            followed.add(index)
            seconds = FOLLOW_UP_SHARE * session.seconds / MAX_FOLLOW_UPS
            sum_position(session, evidence, index, change.position, seconds, session.left)


def _sum_one_long_document(session: AuditSession, evidence: Evidence) -> None:
    """Sum at the end of the shortest document that is not short, unless one of those has a sum already."""
    long = {document.number for document in session.documents if document.tokens.size >= MIN_SUMMED_TOKENS}
    if any(probe.document in long for probe in evidence.sums):
        return
    index = min(
        (index for index, document in enumerate(session.documents) if document.tokens.size >= MIN_SUMMED_TOKENS),
        key=lambda index: session.documents[index].tokens.size,
    )
    size = session.documents[index].tokens.size
    least = 1.2 * MIN_TOKENS * session.estimate_seconds(index, size)
    sum_position(session, evidence, index, size - 1, max(SUM_SHARE * session.seconds, least), session.overdraft)


def _sum_end_of_longest(session: AuditSession, evidence: Evidence) -> None:
    """Sum at the end of the longest document: a few tokens there show leaks that start late."""
    index = max(range(len(session.documents)), key=lambda index: session.documents[index].tokens.size)
    size = session.documents[index].tokens.size
    seconds = max(SUM_SHARE * session.seconds, 1.2 * MIN_TOKENS * session.estimate_seconds(index, size))
    if seconds <= FOLLOW_UP_SHARE * session.seconds:
        sum_position(session, evidence, index, size - 1, seconds, session.left)


def _complete_sums(session: AuditSession, evidence: Evidence) -> None:
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
        _record(session, evidence, vocabulary.sum_vocabulary(session, index, tokens.size - 1))
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
        _record(session, evidence, vocabulary.sum_vocabulary(session, index, position))


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


def _length_sensitive(session: AuditSession, evidence: Evidence) -> list[int]:
    """Documents whose losses changed when they were cut, shortest first: sums in them can be guided by the cut.

    None if the vocabulary is small enough to be summed whole.
    """
    if session.vocab_size < SMALL_VOCABULARY:
        return []
    moved = {change.document for change in evidence.changes if change.kind == "cut" and change.exceeds_tolerance}
    sizes = {
        index: document.tokens.size - 1 for index, document in enumerate(session.documents) if document.number in moved
    }
    guidable = (index for index, size in sizes.items() if size > importance_sums.LATEST_CUT_POSITION)
    return sorted(guidable, key=sizes.__getitem__)


def _sum_guided_by_cut(session: AuditSession, evidence: Evidence, index: int, seconds: float) -> bool:
    """Sum early in a document, guided by the cut document, if the seconds suffice for both; whether they did."""
    size = session.documents[index].tokens.size - 1
    count = min(MAX_GUIDED_TOKENS, int(seconds / max(1e-9, session.estimate_seconds(index, size))))
    if count < MIN_TOKENS:
        return False
    position = importance_sums.surprising_position(session, index)
    # Measure what cut documents cost.
    session.score_variants(index, [session.documents[index].tokens[: position + 1]] * MIN_TOKENS)
    affordable = session.estimate_seconds(index, session.vocab_size * position, cut=True) <= seconds
    if affordable:
        _record(session, evidence, importance_sums.sum_guided_by_cut(session, index, position, count))
    return affordable


def _first_positions(session: AuditSession) -> Iterator[tuple[int, int]]:
    """Documents and positions of the first round, taking turns between documents, shortest first."""
    by_length = sorted(range(len(session.documents)), key=lambda index: session.documents[index].tokens.size)
    queues = []
    for index in by_length:
        size = session.documents[index].tokens.size
        count = next(positions for limit, positions in FIRST_SUMS if size <= limit)
        queues.append([(index, position) for position in vocabulary.probe_order(size, session.rng)[:count]])
    for turn in itertools.zip_longest(*queues):
        yield from (pair for pair in turn if pair is not None)


def sum_position(
    session: AuditSession, evidence: Evidence, index: int, position: int, seconds: float, left: float
) -> None:
    """One vocabulary sum, as complete as the seconds allow: whole documents, cut ones, or some tokens only."""
    document = session.documents[index]
    size = document.tokens.size - 1
    budget = min(seconds, left)
    may_cut = evidence.may_cut(document.number)
    if session.estimate_seconds(index, session.vocab_size * size) <= budget:
        probe = vocabulary.sum_vocabulary(session, index, position)
    elif may_cut and session.estimate_seconds(index, session.vocab_size * position, cut=True) <= budget:
        probe = vocabulary.sum_vocabulary(session, index, position, cut=True)
    elif session.scorer.declares_distribution and not session.ordered_state:
        total, agreement = vocabulary.sum_declared_distribution(session, index, position)
        evidence.sums.append(total)
        evidence.comparisons.append(agreement)
        return
    else:
        each = session.estimate_seconds(index, position if may_cut else size, cut=may_cut)
        count = int(budget / max(1e-9, each))
        if count < MIN_TOKENS:
            evidence.not_probed.append(f"the vocabulary sum at position {position} of document {document.number}")
            return
        probe = _partial_sum(session, index, position, min(count, session.vocab_size // 2), budget, cut=may_cut)
    _record(session, evidence, probe)


def _partial_sum(
    session: AuditSession, index: int, position: int, count: int, budget: float, *, cut: bool
) -> vocabulary.SumProbe:
    """Estimate a sum from `count` tokens, guided by the context if the budget allows it."""
    if count >= MIN_CONTEXT_GUIDED and _context_seconds(session, index) <= 0.5 * budget:
        return importance_sums.sum_guided_by_context(session, index, position, count, cut=cut)
    tokens = vocabulary.likely_tokens(session, index, position, count)
    return vocabulary.sum_vocabulary(session, index, position, tokens=tokens, cut=cut)


def _context_seconds(session: AuditSession, index: int) -> float:
    """Expected seconds for scoring the vocabulary after a short context: one small document per token."""
    shortest = min(range(session.num_listed), key=lambda other: session.documents[other].tokens.size)
    each = session.cost[shortest, False] + importance_sums.CONTEXT_TOKENS * session.cost[index, False]
    return session.vocab_size * each


def _record(session: AuditSession, evidence: Evidence, probe: vocabulary.SumProbe) -> None:
    """Add a sum to the evidence; before the first wrong one counts, its calls are repeated."""
    if verdict.wrong_sums([probe.sum], session.precision) and not evidence.shows_violation(session):
        session.confirm("sum")
    evidence.sums.append(probe.sum)
    if isinstance(probe.true_token, FutureChange):
        evidence.changes.append(probe.true_token)
    else:
        evidence.comparisons.append(probe.true_token)
    if probe.change is not None:
        evidence.changes.append(probe.change)
