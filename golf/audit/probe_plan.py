"""Which entries of which documents are probed, in what order, and how much of the budget each may cost."""

import itertools
import math
from collections.abc import Iterator

from golf.audit import verdict
from golf.audit.certificate import Change
from golf.audit.log import LEAST_SUMMED, Log
from golf.audit.probes import future, led_sums, vocabulary
from golf.audit.probes import neighbors as company
from golf.audit.scorer.bench import LEAST_STACK, Bench

SUM_SHARE = 0.08
"""Of the budget for one vocabulary sum; one that follows up on something that moved may cost more."""
FOLLOW_UP_SHARE = 0.35
SMALL_SHARE = 0.02
"""The same in the shortest documents where no budget is left."""
CONTRAST_SHARE = 0.2
"""Of the budget for each half of a sum that is led by another."""
MOST_DRAWN = 64
"""Tokens drawn for such a sum, at most."""
SMALL_VOCABULARY = 160
"""Tokens; below, sums are not led by others."""
FOLLOWED = 3
"""Documents in which something moved whose sums are followed up, at most."""
LOOK_SHARE = 0.1
"""Of what is left for the future of one document."""
LEAST_CHANGES = 6
"""Changes of every document, whatever they cost."""
KEPT_SHARE = 0.1
"""Of the budget kept for the last call."""
LED_FROM = 64
"""Tokens of a partial sum from which it is worth leading by its context."""
LEAST_TRIED = 16
"""Tokens of a partial sum, at least."""
FIRST_SUMS = ((3, 2), (60, 6), (200, 8), (700, 5), (math.inf, 2))
"""Entries summed in the first round in documents of up to so many tokens."""
DEEP_TOKENS, DEEP_SUMS = 160, 400
"""In the second round: entries changed one by one in documents up to this length, and sums at most."""


def look_ahead(bench: Bench, log: Log, place: int) -> None:
    """Change the future of a document at a few entries, and its length."""
    tokens = bench.judged[place].tokens
    variants = future.program(bench, place, vocabulary.places(tokens.size, bench.rng))
    each = bench.estimate(place, tokens.size)
    count = max(LEAST_CHANGES, int(LOOK_SHARE * bench.left / max(1e-9, each)))
    if LEAST_CHANGES * each > bench.overdraft:
        log.left_out.append(f"the future of document {bench.judged[place].number}")
        return
    # A few first: from them on it is known what variants cost in one call.
    for part in (variants[:LEAST_CHANGES], variants[LEAST_CHANGES:count]):
        if part:
            log.changes += future.probe(bench, place, part)


def sum_up(bench: Bench, log: Log) -> None:
    """The first round of vocabulary sums: where something moved, and a few entries of every document."""
    places = {one.number: place for place, one in enumerate(bench.judged)}
    moved = [one for one in log.changes if one.beyond and one.kind not in ("cut", "grown")]
    followed: set[int] = set()
    longer = _lengthened(bench, log)
    for one in sorted(moved, key=lambda one: bench.estimate(places[one.document], 1) * one.changed):
        place = places[one.document]
        if place not in followed and len(followed) < FOLLOWED:
            followed.add(place)
            seconds, left = FOLLOW_UP_SHARE * bench.seconds, bench.left
            if len(followed) == 1:
                least = LEAST_TRIED * bench.estimate(place, bench.judged[place].tokens.size)
                seconds, left = max(seconds, 1.5 * least), bench.overdraft
            first = min(other.first_moved for other in moved if other.document == one.document)
            led = place in longer and first <= led_sums.LATEST_CONTRAST
            if not led or not _contrast(bench, log, place, min(seconds, left)):
                _sum(bench, log, place, one.position, seconds, left)
    for place in longer:
        if place not in followed and bench.left > 0:
            _contrast(bench, log, place, CONTRAST_SHARE * bench.seconds)
    # Where a cut moved the last entry before it, that may have looked at itself.
    for one in sorted((one for one in log.changes if one.kind == "cut" and one.beyond), key=lambda one: one.position):
        place = places[one.document]
        if one.position == one.changed - 1 and place not in followed and len(followed) < 2 * FOLLOWED:
            followed.add(place)
            _sum(bench, log, place, one.position, FOLLOW_UP_SHARE * bench.seconds / FOLLOWED, bench.left)
    longer_numbers = {one.number for one in bench.judged if one.tokens.size >= LEAST_SUMMED}
    if not any(one.document in longer_numbers for one in log.sums):
        place = min(
            (place for place, one in enumerate(bench.judged) if one.tokens.size >= LEAST_SUMMED),
            key=lambda place: bench.judged[place].tokens.size,
        )
        size = bench.judged[place].tokens.size
        least = 1.2 * LEAST_TRIED * bench.estimate(place, size)
        _sum(bench, log, place, size - 1, max(SUM_SHARE * bench.seconds, least), bench.overdraft)
    # Late in the longest document: few tokens there say more about leaks that begin late than many elsewhere.
    place = max(range(len(bench.judged)), key=lambda place: bench.judged[place].tokens.size)
    size = bench.judged[place].tokens.size
    seconds = max(SUM_SHARE * bench.seconds, 1.2 * LEAST_TRIED * bench.estimate(place, size))
    if seconds <= FOLLOW_UP_SHARE * bench.seconds:
        _sum(bench, log, place, size - 1, seconds, bench.left)
    _add_up(bench, log)
    complete = {(one.document, one.position) for one in log.sums if one.complete}
    for place, entry in _first_sums(bench):
        if (bench.judged[place].number, entry) in complete:
            continue
        shortest = bench.judged[place].tokens.size <= FIRST_SUMS[0][0]
        left = max(0.8 * bench.left, SMALL_SHARE * bench.seconds if shortest else 0.0)
        _sum(bench, log, place, entry, SUM_SHARE * bench.seconds, left)


def _add_up(bench: Bench, log: Log) -> None:
    """Complete sums in the shortest documents, as many as it takes to judge, if only the overdraft pays for them.

    Nothing less shows a scaled loss, or a constant that is taken off; of a slow scorer they are the dearest part.
    """
    for place in sorted(range(bench.listed), key=lambda place: bench.judged[place].tokens.size):
        if verdict.added_up(log.sums, bench.precision):
            return
        tokens = bench.judged[place].tokens
        # What short ones cost when many are scored together: a sixteenth of the sum shows it.
        bench.variants(place, [tokens] * max(LEAST_STACK, bench.vocab_size // 16))
        seconds = bench.estimate(place, bench.vocab_size * (tokens.size - 1))
        if seconds > bench.overdraft:
            log.left_out.append(f"a vocabulary sum over all {bench.vocab_size} tokens, which takes {seconds:.3g} s")
            return
        _note(bench, log, vocabulary.probe(bench, place, tokens.size - 1))


def _lengthened(bench: Bench, log: Log) -> list[int]:
    """Places of documents whose scores moved when they were cut, the short ones first: sums in them can be led.

    Not where the vocabulary is small enough to be added up whole.
    """
    if bench.vocab_size < SMALL_VOCABULARY:
        return []
    moved = {change.document for change in log.changes if change.kind == "cut" and change.beyond}
    sizes = {place: one.tokens.size - 1 for place, one in enumerate(bench.judged) if one.number in moved}
    return sorted((place for place, size in sizes.items() if size > led_sums.LATEST_CONTRAST), key=sizes.__getitem__)


def _contrast(bench: Bench, log: Log, place: int, seconds: float) -> bool:
    """A sum early in a document, led by the same sum in the cut document, if so many seconds pay for both."""
    size = bench.judged[place].tokens.size - 1
    count = min(MOST_DRAWN, int(seconds / max(1e-9, bench.estimate(place, size))))
    if count < LEAST_TRIED:
        return False
    entry = led_sums.contrast_entry(bench, place)
    bench.variants(place, [bench.judged[place].tokens[: entry + 1]] * LEAST_TRIED)  # what cut ones cost
    affordable = bench.estimate(place, bench.vocab_size * entry, cut=True) <= seconds
    if affordable:
        _note(bench, log, led_sums.contrast(bench, place, entry, count))
    return affordable


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


def _sum(bench: Bench, log: Log, place: int, entry: int, seconds: float, left: float) -> None:
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
        count = min(count, bench.vocab_size // 2)
        if count >= LED_FROM and _context_seconds(bench, place) <= 0.5 * budget:
            probe = led_sums.led_by_context(bench, place, entry, count, cut=blind)
        else:
            tokens = vocabulary.likely_tokens(bench, place, entry, count)
            probe = vocabulary.probe(bench, place, entry, tokens=tokens, cut=blind)
    _note(bench, log, probe)


def _context_seconds(bench: Bench, place: int) -> float:
    """What the vocabulary behind a few tokens costs, about: as many documents, and as many predictions in each."""
    shortest = min(range(bench.listed), key=lambda one: bench.judged[one].tokens.size)
    known = bench.cost[shortest, False] + led_sums.CONTEXT_TOKENS * bench.cost[place, False]
    return bench.vocab_size * known


def _note(bench: Bench, log: Log, probe: vocabulary.SumProbe) -> None:
    """What a sum showed; the first that is off is no evidence before its calls have given the same again."""
    if verdict.deviating([probe.sum], bench.precision) and not log.broken(bench):
        bench.confirm("sum")
    log.sums.append(probe.sum)
    if isinstance(probe.true_token, Change):
        log.changes.append(probe.true_token)
    else:
        log.contexts.append(probe.true_token)
    if probe.change is not None:
        log.changes.append(probe.change)


def go_deeper(bench: Bench, log: Log) -> None:
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


def _change_each(bench: Bench, log: Log, place: int) -> None:
    """Every entry of a document changed, one at a time."""
    size = bench.judged[place].tokens.size
    if size > 2 and bench.estimate(place, size * size) <= 0.25 * bench.left:
        log.changes += future.probe(bench, place, future.tokens(bench, place, range(2, size)))
