"""Probes of company: the same documents again, alone, in another order, twice. Nothing may move.

Where a scorer declares state over the documents already scored, the order is kept; only what comes later may differ.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from golf.audit.bench import Bench, directional
from golf.audit.black_box import Floats
from golf.audit.certificate import Context, Finding
from golf.audit.precision import REPEATED

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
        found = bench.compare(kind, range(len(first)), again, first, REPEATED)
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

    One of each document is replaced, in the list where it stood: what was certain of one token is not of another.
    """
    scored = [*bench.natural, *bench.reference[bench.listed :]]
    zeros = {place: np.flatnonzero(losses == 0.0) + 1 for place, losses in enumerate(scored) if not losses.all()}
    lists = [[*range(bench.listed)], *([place] for place in range(bench.listed, len(scored)))]
    for places in [part for part in lists if zeros.keys() & set(part)] * ZEROS_TRIED:
        chosen = {place: int(bench.rng.choice(zeros[place])) for place in places if place in zeros}
        documents = [bench.judged[place].tokens.copy() for place in places]
        for document, place in zip(documents, places, strict=True):
            if place in chosen:
                step = bench.rng.integers(1, bench.vocab_size)
                document[chosen[place]] = (document[chosen[place]] + step) % bench.vocab_size
        losses = bench.call(documents, [bench.judged[place].number for place in places])
        for one, place in zip(losses, places, strict=True):
            if place in chosen and one[chosen[place] - 1] == 0.0:
                count, total = sum(map(len, zeros.values())), sum(one.size for one in scored)
                detail = f"{count} of {total} targets have a loss of exactly 0, whatever they are: they are not scored"
                number, entry = bench.judged[place].number, chosen[place]
                yield Finding(condition="C4", document=number, position=entry, measured=0.0, detail=detail)
                return


def spot_check(bench: Bench, place: int, entry: int, token: int) -> Iterator[Context]:
    """A variant among the other documents, and alone: it must score as it did among its like."""
    if bench.ordered or place >= bench.listed:
        return
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
