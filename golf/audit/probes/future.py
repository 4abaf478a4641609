"""Probes of the future: change what comes after an entry, or cut it off, and see what moves before it.

Changed at equal length, nothing may move: the score of an entry would depend on later tokens (C1). What moves only when
the document is cut or grown depends on its length.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from golf.audit.certificate import Change
from golf.audit.scorer.bench import Bench
from golf.audit.scorer.black_box import Floats, Tokens

Kind = Literal["suffix", "token", "shuffle", "cut", "grown"]
Variant = tuple[Kind, int, Tokens]
"""Kind, first entry that differs or where it ends, and the document."""


def program(bench: Bench, place: int, entries: Sequence[int]) -> list[Variant]:
    """Variants of a document in the order of their worth: kinds in turn, each at some of the entries given."""
    size = len(bench.judged[place].tokens)
    inside = [entry for entry in dict.fromkeys((size // 2, size // 3, *entries)) if 1 < entry < size]
    suffixes: list[Variant] = [("suffix", entry, _replaced(bench, place, entry, size)) for entry in inside[:6]]
    kinds: list[list[Variant]] = [
        [*suffixes[:1], *easy_ends(bench, place, inside[1:2]), *suffixes[1:]],
        lengths(bench, place),
        tokens(bench, place, inside[1:7]),
        shuffles(bench, place, [entry for entry in (size // 2, 2) if 1 < entry < size - 1]),
    ]
    return [one for turn in itertools.zip_longest(*kinds) for one in turn if one is not None]


def easy_ends(bench: Bench, place: int, entries: Sequence[int]) -> list[Variant]:
    """From an entry on the two tokens over and over of which the second was told best behind the first.

    What is the best of several scores, for a document or a temperature, may be another one for a document that is easy.
    """
    document = bench.judged[place].tokens
    best = int(bench.reference[place].argmin())
    found: list[Variant] = []
    for entry in entries:
        changed = document.copy()
        changed[entry:] = np.resize(document[best : best + 2], document.size - entry)
        found.append(("suffix", entry, changed))
    return found


def shuffles(bench: Bench, place: int, entries: Sequence[int]) -> list[Variant]:
    """Everything from an entry on in another order."""
    found: list[Variant] = []
    for entry in entries:
        changed = bench.judged[place].tokens.copy()
        changed[entry:] = bench.rng.permutation(changed[entry:])
        found.append(("shuffle", entry, changed))
    return found


def tokens(bench: Bench, place: int, entries: Sequence[int]) -> list[Variant]:
    """One entry replaced, at each of some entries."""
    return [("token", entry, _replaced(bench, place, entry, entry + 1)) for entry in entries]


def lengths(bench: Bench, place: int) -> list[Variant]:
    """The document cut at several entries, and with half as much again behind it."""
    whole = bench.judged[place].tokens
    size = len(whole)
    cuts = dict.fromkeys(cut for cut in (size // 2, size * 7 // 8, size - 1, size // 4, 2) if 2 <= cut < size)
    grown = np.concatenate([whole, bench.rng.integers(0, bench.vocab_size, max(4, size // 2))])
    found: list[Variant] = [("cut", cut, whole[:cut].copy()) for cut in cuts]
    return [("grown", size, grown), *found]


def probe(bench: Bench, place: int, variants: Sequence[Variant]) -> Iterator[Change]:
    """Score variants of a document, and tell what moved in each before the change."""
    bench.settle()
    scored = bench.variants(place, [document for _, _, document in variants])
    for (kind, entry, _), losses in zip(variants, scored, strict=True):
        if entry > 1:
            yield moved(bench, place, kind, entry, losses)


def moved(bench: Bench, place: int, kind: Kind, entry: int, losses: Floats) -> Change:
    """What moved before an entry against the reference.

    Raises:
        Unjudgeable: something did, and moves when the same call is made again as well.
    """
    expected = bench.reference[place][: entry - 1]
    difference = losses[: entry - 1] - expected
    excess = np.abs(difference) / bench.precision.tolerance(expected)
    worst = int(excess.argmax())
    beyond = bool(excess[worst] > 1)
    if beyond:
        # What is listed has been scored in other company by now, and with the same outcome.
        reference = [] if place < bench.listed else [bench.reference[place]]
        bench.confirm("length" if kind in ("cut", "grown") else "future", losses, *reference)
    return Change(
        kind=kind,
        document=bench.judged[place].number,
        changed=entry,
        position=worst + 1,
        largest=float(np.abs(difference[worst])),
        mean=float(difference.mean()),
        beyond=beyond,
        first_moved=int(np.flatnonzero(excess > 1)[0]) + 1 if beyond else -1,
    )


def _replaced(bench: Bench, place: int, first: int, end: int) -> Tokens:
    """Tokens from `first` to before `end` replaced, each by another one."""
    document = bench.judged[place].tokens.copy()
    step = bench.rng.integers(1, bench.vocab_size, end - first)
    document[first:end] = (document[first:end] + step) % bench.vocab_size
    return document
