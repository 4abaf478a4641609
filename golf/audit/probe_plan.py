"""Which positions of which documents are probed, in what order, and what share of the budget each probe may cost."""

import itertools
import math
from collections.abc import Iterator

from golf.audit import complete_sums
from golf.audit.certificate import LENGTH_KINDS
from golf.audit.evidence import MIN_SUMMED_TOKENS, Evidence
from golf.audit.probes import future, importance_sums, vocabulary
from golf.audit.scorer.session import AuditSession

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
    complete_sums.complete_sums(session, evidence)
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
        evidence.record(session, importance_sums.sum_guided_by_cut(session, index, position, count))
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
    evidence.record(session, probe)


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
