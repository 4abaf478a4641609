"""Probes of company: the same documents again, alone, in another order, twice. Nothing may move.

Where a scorer declares state over the documents already scored, the order is kept; only what comes later may differ.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from golf.audit.certificate import Context, Finding
from golf.audit.scorer.bench import Bench, directional
from golf.audit.scorer.black_box import Floats

ZEROS_TRIED = 3
"""Targets with a loss of 0 that are replaced by other tokens, one after another, in every document."""


def repeated(bench: Bench, first: Sequence[Floats]) -> Iterator[Context]:
    """The reference call twice more. What moves is not a function of the documents, or remembers them.

    `first` are the scores of the very first call, of some documents at the front of the list.
    """
    steps = []
    before: Sequence[Floats] = first
    for kind in ("the same call again", "the same call a third time"):
        again = bench.all(range(len(first)))
        found = bench.compare(kind, range(len(first)), again, first, repeated=True)
        steps.append(np.concatenate(again) - np.concatenate(before))
        before = again
        yield found
        if found.beyond:
            bench.learn_noise(2 * found.largest)
    if all(directional(step) for step in steps) and steps[0].mean() * steps[1].mean() > 0:
        mean = float(np.mean([step.mean() for step in steps]))
        number = bench.judged[0].number
        yield Context(kind="memory", document=number, position=-1, largest=abs(mean), mean=mean, beyond=True)


def in_other_company(bench: Bench) -> Iterator[Context]:
    """Every document alone, the list backwards, turned round, and doubled."""
    bench.settle()
    places = list(range(bench.listed))
    expected = bench.reference[: bench.listed]
    if bench.ordered:
        for place in places[:-1]:
            found = bench.all(places[: place + 1])
            yield bench.compare("without the documents after it", places[: place + 1], found, expected[: place + 1])
        # From the longest on: an order of the scorer's own shows in another list than it would make.
        backwards = places[::-1]
        expected = bench.all(backwards)
        for count in {1, len(places) // 2}:
            found = bench.all(backwards[:count])
            yield bench.compare("without the documents after it", backwards[:count], found, expected[:count])
        return
    alone = [bench.variants(place, [one.tokens])[0] for place, one in enumerate(bench.judged[: bench.listed])]
    yield bench.compare("alone", places, alone, expected)
    # Backwards and then forwards: every document stands elsewhere, follows others, and is there twice.
    order = [*places[::-1], *places]
    found = bench.all(order)
    count = len(places)
    yield bench.compare("the list backwards", order[:count], found[:count], [expected[place] for place in places[::-1]])
    yield bench.compare("a second time in one list", places, found[count:], expected)


def unscored(bench: Bench) -> Iterator[Finding]:
    """Whether targets with a loss of exactly 0 were predicted with certainty, or not scored at all.

    Where documents disturb each other, in a longer list, too: what is scored may end with a number of documents.
    """
    listed = [*range(bench.listed)]
    lists = [(listed, bench.natural)]
    lists += [([place], [bench.reference[place]]) for place in range(bench.listed, len(bench.judged))]
    if not bench.stacked:
        lists.append((listed * 2, bench.all(listed * 2)))
    for places, losses in lists:
        for _ in range(ZEROS_TRIED if any((one == 0.0).any() for one in losses) else 0):
            if (found := _unscored_in(bench, places, losses)) is not None:
                yield found
                return


def _unscored_in(bench: Bench, places: Sequence[int], losses: Sequence[Floats]) -> Finding | None:
    """One target of loss 0 of each document of a list replaced: what was certain of one token is not of another."""
    zeros = {index: np.flatnonzero(one == 0.0) + 1 for index, one in enumerate(losses) if (one == 0.0).any()}
    chosen = {index: int(bench.rng.choice(entries)) for index, entries in zeros.items()}
    documents = [bench.judged[place].tokens.copy() for place in places]
    for index, entry in chosen.items():
        step = bench.rng.integers(1, bench.vocab_size)
        documents[index][entry] = (documents[index][entry] + step) % bench.vocab_size
    numbers = [bench.judged[place].number for place in places]
    again = bench.call(documents, numbers)
    for index, entry in chosen.items():
        if again[index][entry - 1] == 0.0:
            count, total = sum(map(len, zeros.values())), sum(one.size for one in losses)
            detail = f"{count} of {total} targets have a loss of exactly 0, whatever they are: they are not scored"
            return Finding(condition="C4", document=numbers[index], position=entry, measured=0.0, detail=detail)
    return None


def spot_check(bench: Bench, place: int, entry: int, token: int) -> Iterator[Context]:
    """A variant among the other documents, and alone: it must score as it did among its like."""
    if bench.ordered or place >= bench.listed:
        return
    bench.settle()
    variant = bench.judged[place].tokens.copy()
    variant[entry] = token
    expected = bench.variants(place, [variant, bench.judged[place].tokens])[0]
    listed = bench.judged[: bench.listed]
    documents = [variant if index == place else one.tokens for index, one in enumerate(listed)]
    among = bench.call(documents, [one.number for one in listed])
    yield bench.compare("a changed document among the others", [place], [among[place]], [expected])
    others = [index for index in range(bench.listed) if index != place]
    if others:
        found, known = [among[index] for index in others], [bench.reference[index] for index in others]
        yield bench.compare("next to a changed document", others, found, known)
