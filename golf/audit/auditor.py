"""The audit: which probe where, and for how long.

First what costs little and decides what the rest means: coverage, repetition, company, future, length. Then vocabulary
sums, where something moved first. Then, as long as the budget lasts and nothing was found, more places of both kinds.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit import probe_plan as program
from golf.audit import verdict
from golf.audit.certificate import Certificate, Finding
from golf.audit.log import Log
from golf.audit.probes import chance
from golf.audit.probes import neighbors as company
from golf.audit.probes.byte_counts import check_byte_counts, text_of
from golf.audit.scorer import documents
from golf.audit.scorer.bench import Bench, Unjudgeable
from golf.audit.scorer.black_box import BlackBox, Scorer, Tokens
from golf.audit.scorer.documents import MADE_UP
from golf.audit.scorer.precision import measure
from golf.errors import InputError

LEAST_CALL_SECONDS = 20.0
"""A call may take as long as the whole budget, and at least so long, before it is given up."""
EXTRA_SHARE = 0.15
"""Of the budget that documents beyond the first few may cost in the probes that score all of them."""
SCORED_WHOLE = 8
"""How often the probes of company and future score every document, about."""
LONG_SHARE = 0.3
"""Of the budget for the future of one long document."""


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
) -> Certificate:
    """Judge a scorer by what it returns.

    Args:
        scorer: takes a list of documents (1-D int64 arrays, BOS first, the last entry only ever a target), returns for
            each the NLL of entries 1 … n − 1 in nats as a 1-D float array. Each call is an evaluation of its own. It
            may have a method `distribution(document, position)`, the probabilities [vocab_size] of that entry, which
            is used where a sum would cost too much, and held against what the scorer returns; and a method
            `byte_counts(document)`, the bytes of entries 1 … n − 1 that its score is divided by.
        vocab_size: the number of token ids.
        documents: what to judge it on; made up where None. A few are chosen by length, and others made from them.
        seconds: the budget. More of it means more places, until all that are worth a probe have had one.
        seed: of the choice of documents, places and changes.
        ordered_state: whether the protocol declares that it carries state over the documents already scored, in the
            order of the list; the scorer's attribute `ordered_state` where None, and none without it.
        decode: the text of tokens without BOS, which byte counts are held against; they are not looked at without it.
        clock: what the budget is measured on; the wall's where None, and then every call comes from one thread of the
            audit's own, which can be given up as hanging. On another clock, such as one that counts work, the same
            scorer is probed at the same places whatever the machine, and it is called from the caller's thread.

    Returns:
        The certificate. Whatever the scorer does, raising and hanging included, becomes a finding.

    Raises:
        InputError: the vocabulary, the documents or the budget are impossible.
    """
    given = _checked(documents, vocab_size, seconds)
    if not callable(scorer):
        raise InputError(f"scorer: {type(scorer).__name__} is not callable; expected a function of a list of documents")
    ordered = bool(getattr(scorer, "ordered_state", False)) if ordered_state is None else ordered_state
    bench = Bench(
        box=BlackBox(scorer, call_seconds=max(LEAST_CALL_SECONDS, seconds) if clock is None else math.inf),
        vocab_size=vocab_size,
        ordered=ordered,
        rng=np.random.default_rng(seed),
        clock=clock or time.monotonic,
        seconds=seconds,
    )
    log = Log()
    try:
        _examine(bench, log, given)
        _count_bytes(bench, log, decode)
    except Unjudgeable as stop:
        log.faults.append(stop.finding)
        log.left_out.append("everything after the call that ended the audit")
    if bench.box.printed:
        detail = f"prints to stdout, {len(bench.box.printed)} characters; a scorer returns losses and does nothing else"
        log.faults.append(Finding(condition="nondeterminism", document=-1, position=-1, measured=0.0, detail=detail))
    bench.bytes_per_target = _bytes_per_target(bench, decode)
    return _certificate(bench, log, len(given))


def _checked(given: Sequence[NDArray[np.integer[Any]]] | None, vocab_size: int, seconds: float) -> list[Any]:
    if vocab_size < 2:
        raise InputError(f"vocab_size = {vocab_size}: must be at least 2")
    if not 0 < seconds < math.inf:
        raise InputError(f"seconds = {seconds}: must be above 0, and finite")
    return [] if given is None else documents.check_documents(given, vocab_size)


def _examine(bench: Bench, log: Log, given: Sequence[Any]) -> None:
    """Run all probes, in order, as far as the budget goes."""
    _set_up(bench, log, given)
    if any(one.kind == verdict.MEMORY for one in log.contexts):
        log.left_out.append("everything else: scores change from call to call")
        return
    for probe in PROBES:
        probe(bench, log)


def _set_up(bench: Bench, log: Log, given: Sequence[Any]) -> None:
    """Choose documents by what one prediction costs, and score them all once: the reference."""
    lengths = list(documents.LENGTHS)
    bench.judged = documents.choose(given, lengths, bench.vocab_size, bench.rng, len(given))
    bench.listed = len(bench.judged)
    first = bench.all()
    bench.precision = measure(first)
    started = bench.clock()  # the first call has loaded and compiled what there was
    log.contexts += company.repeated(bench, first)
    each = (bench.clock() - started) / (2 * sum(one.size for one in first))
    for length in documents.MORE_LENGTHS:
        if SCORED_WHOLE * each * length <= EXTRA_SHARE * bench.seconds:
            lengths.append(length)
        else:
            log.left_out.append(f"documents of {length} tokens")
    before = {one.number: losses for one, losses in zip(bench.judged, first, strict=True)}
    bench.judged = _more(bench, given, lengths)
    bench.listed = len(bench.judged)
    bench.reference = bench.natural = bench.all()
    bench.precision = replace(measure(bench.reference), noise=bench.precision.noise)
    bench.cost = {(place, False): each for place in range(len(bench.judged))}
    _add_long(bench, log, given, each)
    if not bench.ordered:
        kept = [place for place, one in enumerate(bench.judged) if one.number in before]
        found = [bench.reference[place] for place in kept]
        expected = [before[bench.judged[place].number] for place in kept]
        log.contexts.append(bench.compare("with more documents behind it", kept, found, expected))


def _add_long(bench: Bench, log: Log, given: Sequence[Any], each: float) -> None:
    """Where no long document is in the list, take one that is only ever scored alone, if its future is affordable."""
    length = documents.LONG
    if bench.ordered or max(one.tokens.size for one in bench.judged) >= length * 3 // 4:
        return
    if (program.LEAST_CHANGES + 1) * each * length > LONG_SHARE * bench.seconds:
        return
    taken = {one.number for one in bench.judged}
    free = {index: tokens for index, tokens in enumerate(given) if index not in taken}
    (one,) = documents.choose(list(free.values()), [length], bench.vocab_size, bench.rng, len(given) + bench.listed)
    number = list(free)[one.number] if one.origin == "given" else one.number
    bench.judged.append(replace(one, number=number))
    bench.cost[bench.listed, False] = each
    bench.reference = [*bench.reference, *bench.variants(bench.listed, [one.tokens])]
    log.left_out[:] = [left for left in log.left_out if left != f"documents of {length} tokens"]
    log.left_out.append(f"document {number} in the company of others")


def _more(bench: Bench, given: Sequence[Any], lengths: Sequence[int]) -> list[documents.Judged]:
    """The documents chosen first, and more; the shortest first where order counts, so that what leads costs little."""
    taken = {one.number for one in bench.judged}
    free = [tokens for index, tokens in enumerate(given) if index not in taken]
    back = [index for index in range(len(given)) if index not in taken]
    first = len(given) + len(bench.judged)
    extra = documents.choose(free, lengths[len(bench.judged) :], bench.vocab_size, bench.rng, first)
    numbered = [replace(one, number=back[one.number]) if one.origin == "given" else one for one in extra]
    everything = [*bench.judged, *numbered]
    return sorted(everything, key=lambda one: one.tokens.size) if bench.ordered else everything


def _keep_company(bench: Bench, log: Log) -> None:
    """Probe order and company; where documents disturb each other, everything later is scored alone."""
    log.contexts += company.in_other_company(bench)
    if not bench.ordered and any(found.condition == "cross-document" for found in log.findings(bench)):
        bench.stacked = False
        bench.reference = [bench.variants(place, [one.tokens])[0] for place, one in enumerate(bench.judged)]


def _bytes_per_target(bench: Bench, decode: Callable[[Tokens], str] | None) -> float:
    """Bytes of text for each target of the judged documents that are text; 0 where none is known to be."""
    chosen = [one for one in bench.judged if one.origin != MADE_UP]
    if decode is None or not chosen:
        return 0.0
    num_bytes = sum(len(text_of(one.tokens, decode, one.number).encode()) for one in chosen)
    return num_bytes / sum(one.tokens.size - 1 for one in chosen)


def _count_bytes(bench: Bench, log: Log, decode: Callable[[Tokens], str] | None) -> None:
    """Hold the bytes that the scorer counts against the text, where it says what they are."""
    places = [place for place, one in enumerate(bench.judged) if one.origin != MADE_UP]
    if decode is None or not places or not bench.box.offers_byte_counts:
        log.left_out.append("byte counts")
        return
    chosen, counts = [bench.judged[place] for place in places], [bench.count_bytes(place) for place in places]
    log.faults += check_byte_counts([one.tokens for one in chosen], counts, decode, [one.number for one in chosen])


def _leave_to_chance(bench: Bench, log: Log) -> None:
    """Probe what no document chosen beforehand can show: tokens that nobody knew, in contexts that are new."""
    bos = int(bench.judged[0].tokens[0])
    log.contexts.append(chance.drawn(bench, bos))
    if (seen := chance.first_seen(bench, bos)) is not None:
        log.contexts.append(seen)
    else:
        log.left_out.append("whether what is seen first is remembered")


def _find_unscored(bench: Bench, log: Log) -> None:
    """Look for targets that have no score of their own."""
    log.faults += company.unscored(bench)


def _look_ahead(bench: Bench, log: Log) -> None:
    """Change the future of every document, the longest first."""
    for place in sorted(range(len(bench.judged)), key=lambda place: -bench.judged[place].tokens.size):
        program.look_ahead(bench, log, place)


def _go_deeper(bench: Bench, log: Log) -> None:
    """Spend what is left on more places, unless a condition is broken already."""
    if not log.broken(bench):
        program.go_deeper(bench, log)


def _repeat_at_end(bench: Bench, log: Log) -> None:
    """Score all documents once more: what the probes did to the scorer shows here."""
    places = range(bench.listed)
    last = bench.compare("the same call at the end", places, bench.all(), bench.natural, repeated=True)
    log.contexts.append(last)


Probe = Callable[[Bench, Log], None]
"""Calls the scorer through the bench and writes what it saw to the log; a finding of its own goes to `log.faults`."""

PROBES: tuple[Probe, ...] = (
    _keep_company,
    _leave_to_chance,
    _find_unscored,
    _look_ahead,
    program.sum_up,
    _go_deeper,
    _repeat_at_end,
)
"""Every probe, in the order in which an audit runs them: the cheap ones first, since each may end the audit.

A new probe is a file in golf/audit/probes and a line here, before `_repeat_at_end`.
"""


def _certificate(bench: Bench, log: Log, given: int) -> Certificate:
    if noise := bench.precision.noise:
        log.left_out.append(f"differences of less than {noise:.2g} nats, by which equal scores differ")
    judged = [{"document": one.number, "tokens": int(one.tokens.size), "origin": one.origin} for one in bench.judged]
    placement = {
        "documents": {"given": given, "judged": judged, "ordered_state": bench.ordered},
        "vocab_size": bench.vocab_size,
        "precision": asdict(bench.precision),
        "budget": {
            "seconds": bench.seconds,
            "spent_seconds": bench.spent,
            "calls": bench.box.calls,
            "predictions": bench.box.predictions,
        },
        "not_probed": list(dict.fromkeys(log.left_out)),
    }
    return Certificate(
        judged=log.judged(bench),
        findings=tuple(log.findings(bench)),
        sums=tuple(log.sums),
        changes=tuple(log.changes),
        contexts=tuple(log.contexts),
        placement=placement,
    )
