"""Run an audit: which probes, in what order, within a budget of seconds.

First the cheap probes that decide how the others are read: repeated calls, batch neighbors, random tokens, unscored
targets, future and length. Then vocabulary sums, first where a loss changed. Then more positions of both kinds, as long
as the budget lasts and no violation shows.
"""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit import probe_plan, second_round
from golf.audit.certificate import GIVEN_TEXT, MADE_UP_TEXT, Certificate, Finding
from golf.audit.evidence import Evidence
from golf.audit.probes import long_list, neighbors, random_tokens, second_process
from golf.audit.probes.byte_counts import check_byte_counts, decode_targets
from golf.audit.reference import set_reference
from golf.audit.scorer.checked_scorer import CheckedScorer, Scorer, Tokens
from golf.audit.scorer.documents import GENERATED, check_documents
from golf.audit.scorer.session import AuditSession, AuditStopped
from golf.errors import InputError

MIN_CALL_SECONDS = 20.0
"""Time limit of one call, or the whole budget if that is more."""


def audit(
    scorer: Scorer,
    *,
    vocab_size: int,
    documents: Sequence[NDArray[np.integer[Any]]] | None = None,
    seconds: float = 20.0,
    seed: int = 0,
    ordered_state: bool | None = None,
    decode: Callable[[Tokens], str] | None = None,
    clock: Callable[[], float] | None = None,
    restart: Callable[[], AbstractContextManager[Scorer]] | None = None,
) -> Certificate:
    """Judge a scorer by the losses that it returns.

    Args:
        scorer: takes a list of documents (1-D int64 arrays, BOS first, the last token only ever a target) and returns
            for each the NLL at positions 1 … n − 1 in nats, a 1-D float array. Each call is a complete evaluation. A
            scorer may have a method `distribution(document, position)` that returns the probabilities [vocab_size] at
            that position; it is used where a sum would cost too much, and compared with the returned losses. It may
            have a method `byte_counts(document)` that returns the bytes at positions 1 … n − 1 by which its score is
            divided.
        vocab_size: the number of token ids.
        documents: documents to judge it on; a few are chosen by length, and others derived from them. Generated
            documents by default.
        seconds: the budget. A larger one probes more positions, until every position worth a probe has had one.
        seed: of the choice of documents, positions and changes.
        ordered_state: whether the protocol declares state that is carried over the documents of a list, in order. By
            default the scorer's attribute `ordered_state`, or False without it.
        decode: decodes tokens without BOS to text, which the byte counts are compared with; they are not checked
            without it.
        clock: measures the budget, in seconds. By default real time, and then all calls run in one thread of their own,
            which is abandoned if a call hangs. Another clock, such as one that counts work, makes an audit repeatable:
            the same scorer is probed at the same positions on any machine, and is called from the caller's thread.
        restart: makes the scorer anew, as in another process, after the last call of this one. Its first call is then
            another one, and nothing may change: a scorer may learn from its first call and keep still afterwards.

    Returns:
        The certificate. A scorer that raises, exits or hangs gets a finding.

    Raises:
        InputError: the vocabulary, the documents or the budget are invalid, or the scorer is not callable.
    """
    given = _check_arguments(documents, vocab_size, seconds)
    if not callable(scorer):
        raise InputError(f"scorer: {type(scorer).__name__} is not callable; expected a function of a list of documents")
    session = AuditSession(
        scorer=CheckedScorer(scorer, call_seconds=max(MIN_CALL_SECONDS, seconds) if clock is None else math.inf),
        vocab_size=vocab_size,
        ordered_state=bool(getattr(scorer, "ordered_state", False)) if ordered_state is None else ordered_state,
        rng=np.random.default_rng(seed),
        clock=clock or time.monotonic,
        seconds=seconds,
    )
    evidence = Evidence()
    try:
        _run_probes(session, evidence, given)
        _check_byte_counts(session, evidence, decode)
        _probe_second_process(session, evidence, restart)
    except AuditStopped as stop:
        evidence.direct_findings.append(stop.finding)
        evidence.not_probed.append("everything after the call that ended the audit")
    if printed := len(session.scorer.printed):
        detail = f"prints {printed} characters to stdout; a scorer must return losses and do nothing else"
        evidence.direct_findings.append(
            Finding(condition="nondeterminism", document=-1, position=-1, measured=0.0, detail=detail)
        )
    session.bytes_per_target = _bytes_per_target(session, decode)
    return _certificate(session, evidence, len(given))


def _check_arguments(
    documents: Sequence[NDArray[np.integer[Any]]] | None, vocab_size: int, seconds: float
) -> list[Tokens]:
    if vocab_size < 2:
        raise InputError(f"vocab_size = {vocab_size}: must be at least 2")
    if not 0 < seconds < math.inf:
        raise InputError(f"seconds = {seconds}: must be above 0, and finite")
    return [] if documents is None else check_documents(documents, vocab_size)


def _run_probes(session: AuditSession, evidence: Evidence, given: Sequence[Tokens]) -> None:
    """Run all probes in order, as far as the budget goes."""
    set_reference(session, evidence, given)
    if any(comparison.kind == neighbors.MEMORY for comparison in evidence.comparisons):
        evidence.not_probed.append("everything else: losses change from call to call")
        return
    for probe in PROBES:
        probe(session, evidence)


def _probe_neighbors(session: AuditSession, evidence: Evidence) -> None:
    """Probe order and neighbors; if documents affect each other, all later probes score each one alone."""
    evidence.comparisons += neighbors.change_neighbors(session)
    affected = any(finding.condition == "cross-document" for finding in evidence.findings(session))
    if not session.ordered_state and affected:
        session.batchable = False
        session.reference = [
            session.score_variants(index, [document.tokens])[0] for index, document in enumerate(session.documents)
        ]


def _probe_random_tokens(session: AuditSession, evidence: Evidence) -> None:
    """Probe what no document chosen beforehand shows: random tokens, and new contexts."""
    bos = int(session.documents[0].tokens[0])
    evidence.comparisons.append(random_tokens.predict_random_tokens(session, bos))
    if (first_seen := random_tokens.compare_first_seen(session, bos)) is not None:
        evidence.comparisons.append(first_seen)
    else:
        evidence.not_probed.append("whether it remembers what it scored first")


def _probe_long_list(session: AuditSession, evidence: Evidence) -> None:
    """Score thousands of short documents in one call."""
    long_list.score_long_list(session, evidence)


def _find_unscored(session: AuditSession, evidence: Evidence) -> None:
    """Look for targets that have no score of their own."""
    evidence.direct_findings += neighbors.find_unscored(session)


def _probe_futures(session: AuditSession, evidence: Evidence) -> None:
    """Change the future of every document, the longest first."""
    for index in sorted(range(len(session.documents)), key=lambda index: -session.documents[index].tokens.size):
        probe_plan.probe_future(session, evidence, index)


def _probe_more_positions(session: AuditSession, evidence: Evidence) -> None:
    """Spend the rest of the budget on more positions, unless a condition is broken already."""
    if not evidence.shows_violation(session):
        second_round.probe_more_positions(session, evidence)


def _repeat_at_end(session: AuditSession, evidence: Evidence) -> None:
    """Score all documents once more: a scorer that the probes have changed shows it here."""
    last = session.score_documents()
    listed = range(session.num_listed)
    evidence.comparisons.append(
        session.compare(neighbors.REPEATED[2], listed, last, session.list_reference, repeated=True)
    )


BEYOND_REACH = "leaks that begin only after a minute, or after thousands of calls"
"""What no audit within its budget can see."""

Probe = Callable[[AuditSession, Evidence], None]
"""Calls the scorer through the session and adds to the evidence; a finding of its own goes to `direct_findings`."""

PROBES: tuple[Probe, ...] = (
    _probe_neighbors,
    _probe_random_tokens,
    _find_unscored,
    _probe_futures,
    probe_plan.probe_first_sums,
    _probe_long_list,
    _probe_more_positions,
    _repeat_at_end,
)
"""Every probe, in the order in which an audit runs them.

A new probe is a file in golf/audit/probes and a line here, before `_repeat_at_end`.
"""


def _probe_second_process(
    session: AuditSession, evidence: Evidence, restart: Callable[[], AbstractContextManager[Scorer]] | None
) -> None:
    """Score the documents in a scorer made anew, whose first call is another one."""
    if restart is None:
        evidence.not_probed.append("a second process, whose first call is another one")
    elif not evidence.shows_violation(session):
        try:
            started = restart()
        except InputError as error:
            detail = f"does not start a second time: {error}"
            raise AuditStopped(
                Finding(condition="nondeterminism", document=-1, position=-1, measured=0.0, detail=detail)
            ) from None
        with started as scorer:
            second = CheckedScorer(scorer, call_seconds=session.scorer.call_seconds)
            evidence.comparisons.append(second_process.compare_second_process(session, second))


def _text_documents(session: AuditSession) -> list[int]:
    """Documents that are text."""
    return [index for index, document in enumerate(session.documents) if document.origin != GENERATED]


def _bytes_per_target(session: AuditSession, decode: Callable[[Tokens], str] | None) -> float:
    """UTF-8 bytes of text per target over the documents that are text; 0 if none is known to be."""
    documents = [session.documents[index] for index in _text_documents(session)]
    if decode is None or not documents:
        return 0.0
    num_bytes = sum(len(decode_targets(document.tokens, decode, document.number).encode()) for document in documents)
    return num_bytes / sum(document.tokens.size - 1 for document in documents)


def _check_byte_counts(session: AuditSession, evidence: Evidence, decode: Callable[[Tokens], str] | None) -> None:
    """Compare the byte counts that the scorer declares, if it does, with the text."""
    indices = _text_documents(session)
    if decode is None or not indices or not session.scorer.declares_byte_counts:
        evidence.not_probed.append("byte counts")
        return
    documents = [session.documents[index] for index in indices]
    counts = [session.declared_byte_counts(index) for index in indices]
    numbers = [document.number for document in documents]
    evidence.direct_findings += check_byte_counts([document.tokens for document in documents], counts, decode, numbers)


def _certificate(session: AuditSession, evidence: Evidence, given: int) -> Certificate:
    if noise := session.precision.noise:
        evidence.not_probed.append(f"differences below {noise:.2g} nats, which equal losses show between calls")
    spent = f"this one took {session.spent:.3g} s and {session.scorer.calls} calls"
    evidence.not_probed.append(f"{BEYOND_REACH}: {spent}")
    documents = [
        {"document": document.number, "tokens": int(document.tokens.size), "origin": document.origin}
        for document in session.documents
    ]
    placement = {
        "documents": {
            "given": given,
            "judged": documents,
            "ordered_state": session.ordered_state,
            "text": GIVEN_TEXT if given else MADE_UP_TEXT,
        },
        "vocab_size": session.vocab_size,
        "precision": asdict(session.precision),
        "budget": {
            "seconds": session.seconds,
            "spent_seconds": session.spent,
            "calls": session.scorer.calls,
            "predictions": session.scorer.predictions,
        },
        "notes": evidence.notes(session),
        "not_probed": list(dict.fromkeys(evidence.not_probed)),
    }
    return Certificate(
        judged=evidence.suffices(session),
        findings=tuple(evidence.findings(session)),
        sums=tuple(evidence.sums),
        changes=tuple(evidence.changes),
        comparisons=tuple(evidence.comparisons),
        placement=placement,
    )
