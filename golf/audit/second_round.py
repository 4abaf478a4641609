"""The second round of an audit: more positions of every document, then more documents, as long as the budget lasts."""

import itertools
from collections.abc import Iterator

from golf.audit import complete_sums, probe_plan
from golf.audit.evidence import Evidence
from golf.audit.probes import future, neighbors, vocabulary
from golf.audit.scorer.session import AuditSession

DEEP_TOKENS = 160
"""In the second round: the longest documents in which every token is changed."""
MOST_SUMS = 10_000
"""Sums of an audit, at most; more would make a certificate of many megabytes."""
FURTHER_TOKENS = (4, 400)
"""Tokens of the documents that are added when all positions of the others have been probed."""


def probe_more_positions(session: AuditSession, evidence: Evidence) -> None:
    """The second round, until the budget ends: more positions of every document, then more documents."""
    summed = {(probe.document, probe.position) for probe in evidence.sums}
    short = iter([index for index, document in enumerate(session.documents) if document.tokens.size <= DEEP_TOKENS])
    for number, (index, position) in enumerate(_more_positions(session, evidence)):
        out_of_budget = session.left < probe_plan.RESERVED_SHARE * session.seconds
        if out_of_budget or (number % 8 == 0 and evidence.shows_violation(session)):
            return
        if len(evidence.sums) >= MOST_SUMS:
            evidence.not_probed.append(f"more than {MOST_SUMS} vocabulary sums")
            return
        if number % 4 == 0 and (next_short := next(short, None)) is not None:
            _change_every_token(session, evidence, next_short)
        if number % 8 == 0:
            token = int(session.rng.integers(session.vocab_size))
            evidence.comparisons += neighbors.check_variant_in_list(session, index, position, token)
        if (session.documents[index].number, position) not in summed:
            probe_plan.sum_position(
                session, evidence, index, position, probe_plan.SUM_SHARE * session.seconds, 0.8 * session.left
            )


def _more_positions(session: AuditSession, evidence: Evidence) -> Iterator[tuple[int, int]]:
    """Documents and positions, taking turns between documents; when all have had theirs, those of one more document
    that is made up, cut from a given one, or repeats a phrase."""
    first = 0
    while True:
        queues = []
        for index in range(first, len(session.documents)):
            positions = vocabulary.probe_order(session.documents[index].tokens.size, session.rng)
            queues.append([(index, position) for position in positions])
        for turn in itertools.zip_longest(*queues):
            yield from (pair for pair in turn if pair is not None)
        first = len(session.documents)
        if session.ordered_state or not session.spent:  # a clock that stands still ends no budget
            return
        index = complete_sums.add_document(session, int(session.rng.integers(*FURTHER_TOKENS)))
        probe_plan.probe_future(session, evidence, index)


def _change_every_token(session: AuditSession, evidence: Evidence, index: int) -> None:
    """Change every token of a document, one at a time."""
    size = session.documents[index].tokens.size
    if size > 2 and session.estimate_seconds(index, size * size) <= 0.25 * session.left:
        variants = future.change_tokens(session, index, range(2, size))
        evidence.changes += future.probe_variants(session, index, variants)
