"""The audit: which probe where, and for how long.

First what costs little and decides what the rest means: coverage, repetition, company, future, length. Then vocabulary
sums, where something moved first. Then, as long as the budget lasts and nothing was found, more places of both kinds.
"""

import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.audit import company, documents, future, verdict, vocabulary
from golf.audit.bench import Bench, Unjudgeable
from golf.audit.black_box import BlackBox, Scorer
from golf.audit.certificate import Certificate, Change, Context, Finding, Sum
from golf.audit.precision import REPEATED, measure
from golf.errors import InputError

LEAST_CALL_SECONDS = 20.0
"""A call may take as long as the whole budget, and at least so long, before it is given up."""
EXTRA_SHARE = 0.15
"""Of the budget that documents beyond the first few may cost in the probes that score all of them."""
SCORED_WHOLE = 8
"""How often the probes of company and future score every document, about."""
SUM_SHARE = 0.08
"""Of the budget for one vocabulary sum; one that follows up on something that moved may cost more."""
FOLLOW_UP_SHARE = 0.35
CONTRAST_SHARE = 0.2
"""Of the budget for each half of a sum that is led by another."""
MOST_DRAWN = 64
"""Tokens drawn for such a sum, at most."""
LONG_SHARE = 0.3
"""Of the budget for the future of one long document."""
FOLLOWED = 3
"""Documents in which something moved whose sums are followed up, at most."""
LOOK_SHARE = 0.1
"""Of what is left for the future of one document."""
LEAST_CHANGES = 6
"""Changes of every document, whatever they cost."""
KEPT_SHARE = 0.1
"""Of the budget kept for the last call."""
LEAST_TRIED = 16
"""Tokens of a partial sum, at least."""
LEAST_SUMMED = 100
"""Tokens of a document with a sum in it, whatever it costs."""
FIRST_SUMS = ((3, 2), (60, 6), (200, 8), (700, 5), (documents.LONGEST, 2))
"""Entries summed in the first round in documents of up to so many tokens."""
DEEP_TOKENS, DEEP_SUMS = 160, 400
"""In the second round: entries changed one by one in documents up to this length, and sums at most."""


@dataclass(slots=True, kw_only=True)
class _Log:
    """What has been seen so far."""

    sums: list[Sum] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    contexts: list[Context] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    faults: list[Finding] = field(default_factory=list)

    def findings(self, bench: Bench) -> list[Finding]:
        numbers = [one.number for one in bench.judged]
        reference = bench.reference if len(bench.reference) == len(numbers) else []
        found = [
            *self.faults,
            *verdict.silent_findings(reference, numbers[: len(reference)]),
            *verdict.company_findings(self.contexts),
            *verdict.future_findings(self.changes),
            *verdict.sum_findings(self.sums, self.changes, bench.precision),
        ]
        return list({one.condition: one for one in reversed(found)}.values())[::-1]

    def blind(self, number: int) -> bool:
        """Whether a document was cut, and nothing of any document moved: it may be cut where that saves time."""
        cut = any(one.kind in ("cut", "grown") and one.document == number for one in self.changes)
        return cut and not any(one.beyond for one in self.changes)

    def judged(self, bench: Bench) -> bool:
        """Whether the least programme was gone through: the future of every document, and a sum in one not short."""
        seen = {one.document for one in self.changes} | {one.number for one in bench.judged if one.tokens.size < 4}
        longer = {one.number for one in bench.judged if one.tokens.size >= LEAST_SUMMED}
        return any(one.document in longer for one in self.sums) and seen >= {one.number for one in bench.judged}

    def broken(self, bench: Bench) -> bool:
        return any(finding.condition != "length" for finding in self.findings(bench))


def audit(
    scorer: Scorer,
    *,
    vocab_size: int,
    documents: Sequence[NDArray[np.integer[Any]]] | None = None,
    seconds: float = 20.0,
    seed: int = 0,
    ordered_state: bool | None = None,
) -> Certificate:
    """Judge a scorer by what it returns.

    Args:
        scorer: takes a list of documents (1-D int64 arrays, BOS first, the last entry only ever a target), returns for
            each the NLL of entries 1 … n − 1 in nats as a 1-D float array. Each call is an evaluation of its own. It
            may have a method `distribution(document, position)`, the probabilities [vocab_size] of that entry, which
            is used where a sum would cost too much, and held against what the scorer returns.
        vocab_size: the number of token ids.
        documents: what to judge it on; made up where None. A few are chosen by length, and others made from them.
        seconds: the budget. More of it means more places, until all that are worth a probe have had one.
        seed: of the choice of documents, places and changes.
        ordered_state: whether the protocol declares that it carries state over the documents already scored, in the
            order of the list; the scorer's attribute `ordered_state` where None, and none without it.

    Returns:
        The certificate. Whatever the scorer does, raising and hanging included, becomes a finding.

    Raises:
        InputError: the vocabulary, the documents or the budget are impossible.
    """
    given = _checked(documents, vocab_size, seconds)
    if not callable(scorer):
        raise InputError(f"scorer: {type(scorer).__name__} is not callable; expected a function of a list of documents")
    started = time.monotonic()
    ordered = bool(getattr(scorer, "ordered_state", False)) if ordered_state is None else ordered_state
    bench = Bench(
        box=BlackBox(scorer, call_seconds=max(LEAST_CALL_SECONDS, seconds)),
        vocab_size=vocab_size,
        ordered=ordered,
        rng=np.random.default_rng(seed),
        started=started,
        seconds=seconds,
    )
    log = _Log()
    try:
        _examine(bench, log, given)
    except Unjudgeable as stop:
        log.faults.append(stop.finding)
        log.left_out.append("everything after the call that gave no scores")
    if bench.box.printed:
        detail = f"prints to stdout, {len(bench.box.printed)} characters; a scorer returns losses and does nothing else"
        log.faults.append(Finding(condition="nondeterminism", document=-1, position=-1, measured=0.0, detail=detail))
    return _certificate(bench, log, len(given))


def _checked(given: Sequence[NDArray[np.integer[Any]]] | None, vocab_size: int, seconds: float) -> list[Any]:
    if vocab_size < 2:
        raise InputError(f"vocab_size = {vocab_size}: must be at least 2")
    if not seconds > 0:
        raise InputError(f"seconds = {seconds}: must be above 0")
    return [] if given is None else documents.check_documents(given, vocab_size)


def _examine(bench: Bench, log: _Log, given: Sequence[Any]) -> None:
    """All probes, in order, as far as the budget goes."""
    _set_up(bench, log, given)
    if any(one.kind == verdict.MEMORY for one in log.contexts):
        log.left_out.append("everything else: scores change from call to call")
        return
    _keep_company(bench, log)
    for place in sorted(range(len(bench.judged)), key=lambda place: -bench.judged[place].tokens.size):
        _look_ahead(bench, log, place)
    _sum_up(bench, log)
    if not log.broken(bench):
        _go_deeper(bench, log)
    places = range(bench.listed)
    log.contexts.append(bench.compare("the same call at the end", places, bench.all(), bench.natural, REPEATED))


def _set_up(bench: Bench, log: _Log, given: Sequence[Any]) -> None:
    """Choose documents by what one prediction costs, and score them all once: the reference."""
    lengths = list(documents.LENGTHS)
    bench.judged = documents.choose(given, lengths, bench.vocab_size, bench.rng, len(given))
    bench.listed = len(bench.judged)
    first = bench.all()
    bench.precision = measure(first)
    started = time.monotonic()  # the first call has loaded and compiled what there was
    log.contexts += company.repeated(bench, first)
    each = (time.monotonic() - started) / (2 * sum(one.size for one in first))
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


def _add_long(bench: Bench, log: _Log, given: Sequence[Any], each: float) -> None:
    """Where no long document is in the list, take one that is only ever scored alone, if its future is affordable."""
    length = documents.LONG
    if bench.ordered or max(one.tokens.size for one in bench.judged) >= length * 3 // 4:
        return
    if (LEAST_CHANGES + 1) * each * length > LONG_SHARE * bench.seconds:
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


def _keep_company(bench: Bench, log: _Log) -> None:
    """Probe order and company; where documents disturb each other, everything later is scored alone."""
    log.contexts += company.in_other_company(bench)
    if not bench.ordered and any(found.condition == "cross-document" for found in log.findings(bench)):
        bench.stacked = False
        bench.reference = [bench.variants(place, [one.tokens])[0] for place, one in enumerate(bench.judged)]


def _look_ahead(bench: Bench, log: _Log, place: int) -> None:
    """Change the future of a document at a few entries, and its length."""
    tokens = bench.judged[place].tokens
    variants = future.programme(bench, place, vocabulary.places(tokens.size, bench.rng))
    each = bench.estimate(place, tokens.size)
    count = max(LEAST_CHANGES, int(LOOK_SHARE * bench.left / max(1e-9, each)))
    if LEAST_CHANGES * each > bench.overdraft:
        log.left_out.append(f"the future of document {bench.judged[place].number}")
        return
    # A few first: from them on it is known what variants cost in one call.
    for part in (variants[:LEAST_CHANGES], variants[LEAST_CHANGES:count]):
        if part:
            log.changes += future.probe(bench, place, part)


def _sum_up(bench: Bench, log: _Log) -> None:
    """The first round of vocabulary sums: where something moved, and a few entries of every document."""
    places = {one.number: place for place, one in enumerate(bench.judged)}
    moved = [one for one in log.changes if one.beyond and one.kind not in ("cut", "grown")]
    followed: set[int] = set()
    for one in sorted(moved, key=lambda one: bench.estimate(places[one.document], 1) * one.changed):
        place = places[one.document]
        if place not in followed and len(followed) < FOLLOWED:
            followed.add(place)
            least = LEAST_TRIED * bench.estimate(place, bench.judged[place].tokens.size)
            seconds = max(FOLLOW_UP_SHARE * bench.seconds, 1.2 * least if len(followed) == 1 else 0.0)
            _sum(bench, log, place, one.position, seconds, bench.overdraft)
    if any(one.beyond for one in log.changes):
        _contrast(bench, log)
    if not any(bench.judged[place].tokens.size >= LEAST_SUMMED for place in followed):
        place = min(
            (place for place, one in enumerate(bench.judged) if one.tokens.size >= LEAST_SUMMED),
            key=lambda place: bench.judged[place].tokens.size,
        )
        size = bench.judged[place].tokens.size
        least = 1.2 * LEAST_TRIED * bench.estimate(place, size)
        _sum(bench, log, place, size - 1, max(SUM_SHARE * bench.seconds, least), bench.overdraft)
    for place, entry in _first_sums(bench):
        _sum(bench, log, place, entry, SUM_SHARE * bench.seconds, 0.8 * bench.left)


def _contrast(bench: Bench, log: _Log) -> None:
    """Where a cut moved a document's scores, a sum early in it, led by the same sum in the cut document."""
    shorter = {change.document for change in log.changes if change.kind == "cut" and change.beyond}
    chosen = [(place, one) for place, one in enumerate(bench.judged) if one.number in shorter]
    for place, one in sorted(chosen, key=lambda pair: pair[1].tokens.size):
        size = one.tokens.size - 1
        count = min(MOST_DRAWN, int(CONTRAST_SHARE * bench.seconds / max(1e-9, bench.estimate(place, size))))
        if size <= vocabulary.LATEST_CONTRAST or bench.ordered or bench.left < 0:
            continue
        if bench.vocab_size * size > 10 * count * size and count >= LEAST_TRIED:
            entry = vocabulary.contrast_entry(bench, place)
            bench.variants(place, [one.tokens[: entry + 1]] * LEAST_TRIED)  # what cut ones cost
            if bench.estimate(place, bench.vocab_size * entry, cut=True) <= CONTRAST_SHARE * bench.seconds:
                _note(log, vocabulary.contrast(bench, place, entry, count))


def _first_sums(bench: Bench) -> Iterator[tuple[int, int]]:
    """Entries of the first round, document by document, the short ones first."""
    by_length = sorted(range(len(bench.judged)), key=lambda place: bench.judged[place].tokens.size)
    queues = []
    for place in by_length:
        size = bench.judged[place].tokens.size
        count = next(entries for limit, entries in FIRST_SUMS if size <= limit)
        queues.append([(place, entry) for entry in vocabulary.places(size, bench.rng)[:count]])
    for turn in itertools.zip_longest(*queues):
        yield from (one for one in turn if one is not None)


def _sum(bench: Bench, log: _Log, place: int, entry: int, seconds: float, left: float) -> None:
    """One vocabulary sum as complete as so many seconds allow: whole documents, cut ones, or some tokens only."""
    size = bench.judged[place].tokens.size - 1
    budget = min(seconds, left)
    blind = log.blind(bench.judged[place].number)
    whole = bench.estimate(place, bench.vocab_size * size)
    cut = bench.estimate(place, bench.vocab_size * entry, cut=True)
    if whole <= budget:
        probe = vocabulary.probe(bench, place, entry)
    elif blind and cut <= budget:
        probe = vocabulary.probe(bench, place, entry, cut=True)
    elif bench.box.offers_distribution and not bench.ordered:
        total, agreement = vocabulary.offered(bench, place, entry)
        log.sums.append(total)
        log.contexts.append(agreement)
        return
    else:
        count = int(budget / max(1e-9, bench.estimate(place, entry if blind else size, cut=blind)))
        if count < LEAST_TRIED:
            log.left_out.append(f"the vocabulary sum at entry {entry} of document {bench.judged[place].number}")
            return
        tokens = vocabulary.likely_tokens(bench, place, entry, min(count, bench.vocab_size // 2))
        probe = vocabulary.probe(bench, place, entry, tokens=tokens, cut=blind)
    _note(log, probe)


def _note(log: _Log, probe: vocabulary.SumProbe) -> None:
    log.sums.append(probe.sum)
    if isinstance(probe.true_token, Change):
        log.changes.append(probe.true_token)
    else:
        log.contexts.append(probe.true_token)
    if probe.change is not None:
        log.changes.append(probe.change)


def _go_deeper(bench: Bench, log: _Log) -> None:
    """More places, in turn: single changes at every entry of the shorter documents, spot checks, sums."""
    seen = {(one.document, one.position) for one in log.sums}
    sweeps = iter([place for place, one in enumerate(bench.judged) if one.tokens.size <= DEEP_TOKENS])
    queues = []
    for place, one in enumerate(bench.judged):
        entries = vocabulary.places(one.tokens.size, bench.rng)
        queues.append([(place, entry) for entry in entries if (one.number, entry) not in seen])
    turns = (one for turn in itertools.zip_longest(*queues) for one in turn if one is not None)
    for number, (place, entry) in enumerate(itertools.islice(turns, DEEP_SUMS)):
        if bench.left < KEPT_SHARE * bench.seconds or (number % 8 == 0 and log.broken(bench)):
            return
        if number % 4 == 0 and (sweep := next(sweeps, None)) is not None:
            _change_each(bench, log, sweep)
        if number % 8 == 0:
            log.contexts += company.spot_check(bench, place, entry, int(bench.rng.integers(bench.vocab_size)))
        _sum(bench, log, place, entry, SUM_SHARE * bench.seconds, 0.8 * bench.left)


def _change_each(bench: Bench, log: _Log, place: int) -> None:
    """Every entry of a document changed, one at a time."""
    size = bench.judged[place].tokens.size
    if size > 2 and bench.estimate(place, size * size) <= 0.25 * bench.left:
        log.changes += future.probe(bench, place, future.tokens(bench, place, range(2, size)))


def _certificate(bench: Bench, log: _Log, given: int) -> Certificate:
    judged = [{"document": one.number, "tokens": int(one.tokens.size), "origin": one.origin} for one in bench.judged]
    placement = {
        "documents": {"given": given, "judged": judged, "ordered_state": bench.ordered},
        "vocab_size": bench.vocab_size,
        "precision": asdict(bench.precision),
        "budget": {
            "seconds": bench.seconds,
            "spent_seconds": time.monotonic() - bench.started,
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
