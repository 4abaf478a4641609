"""Probes of company: the same documents again, alone, in another order, twice. Nothing may move.

Where a scorer declares state over the documents already scored, the order is kept, and only what comes later may differ.
"""

from collections.abc import Iterator

import numpy as np

from golf.audit.bench import Bench, directional
from golf.audit.certificate import Context
from golf.audit.precision import REPEATED


def repeated(bench: Bench) -> Iterator[Context]:
    """The reference call twice more. What moves is not a function of the documents, or remembers them."""
    before = bench.reference
    places = range(len(bench.judged))
    steps = []
    for kind in ("the same call again", "the same call a third time"):
        again = bench.all()
        found = bench.compare(kind, places, again, bench.reference, REPEATED)
        steps.append(np.concatenate(again) - np.concatenate(before))
        before = again
        yield found
        if found.beyond:
            bench.learn_noise(found.largest)
    if all(directional(step) for step in steps) and steps[0].mean() * steps[1].mean() > 0:
        mean = float(np.mean([step.mean() for step in steps]))
        number = bench.judged[0].number
        yield Context(kind="memory", document=number, position=-1, largest=abs(mean), mean=mean, beyond=True)


def in_other_company(bench: Bench) -> Iterator[Context]:
    """Every document alone, the list backwards, turned round, and doubled."""
    places = list(range(len(bench.judged)))
    expected = bench.reference
    if bench.ordered:
        for place in places[:-1]:
            found = bench.all(places[: place + 1])
            yield bench.compare("without the documents after it", places[: place + 1], found, expected[: place + 1])
        return
    alone = [bench.all([place])[0] for place in places]
    yield bench.compare("alone", places, alone, expected)
    for kind, order in (("the list backwards", places[::-1]), ("the list turned round", [*places[2:], *places[:2]])):
        yield bench.compare(kind, order, bench.all(order), [expected[place] for place in order])
    twice = [*places, *places]
    yield bench.compare("every document twice in one list", twice, bench.all(twice), [expected[place] for place in twice])


def spot_check(bench: Bench, place: int, entry: int, token: int) -> Iterator[Context]:
    """A variant among the other documents, and alone: it must score as it did among its like."""
    if bench.ordered:
        return
    variant = bench.judged[place].tokens.copy()
    variant[entry] = token
    (expected,) = bench.variants(place, [variant])
    documents = [variant if index == place else one.tokens for index, one in enumerate(bench.judged)]
    among = bench.call(documents, [one.number for one in bench.judged])
    yield bench.compare("a changed document among the others", [place], [among[place]], [expected])
    others = [index for index in range(len(bench.judged)) if index != place]
    if others:
        found, known = [among[index] for index in others], [bench.reference[index] for index in others]
        yield bench.compare("next to a changed document", others, found, known)
