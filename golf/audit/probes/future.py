"""Probes of the future: change or cut the later part of a document and compare the losses before it.

At equal length no loss before the change may differ: it would depend on later tokens (C1). A difference that appears
only when the document is cut or extended shows a dependence on its length.
"""

import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from golf.audit.certificate import LENGTH_KINDS, ChangeKind, FutureChange
from golf.audit.scorer.checked_scorer import Floats, Tokens
from golf.audit.scorer.session import AuditSession

Variant = tuple[ChangeKind, int, Tokens]
"""Kind, first position that differs or where the shorter version ends, and the changed document."""


def plan_variants(session: AuditSession, index: int, positions: Sequence[int]) -> list[Variant]:
    """Variants of a document, most informative first: all kinds in turn, at some of the positions given."""
    size = len(session.documents[index].tokens)
    inside = [position for position in dict.fromkeys((size // 2, size // 3, *positions)) if 1 < position < size]
    suffixes: list[Variant] = [
        ("suffix", position, _replace_tokens(session, index, position, size)) for position in inside[:6]
    ]
    kinds: list[list[Variant]] = [
        [*suffixes[:1], *repeat_easiest_pair(session, index, inside[1:2]), *suffixes[1:]],
        change_length(session, index),
        change_tokens(session, index, inside[1:7]),
        shuffle_suffixes(session, index, [position for position in (size // 2, 2) if 1 < position < size - 1]),
    ]
    return [variant for turn in itertools.zip_longest(*kinds) for variant in turn if variant is not None]


def repeat_easiest_pair(session: AuditSession, index: int, positions: Sequence[int]) -> list[Variant]:
    """From each position on, repeat the token pair whose second token had the lowest loss.

    A scorer that keeps the best of several scores, for a document or a temperature, may keep another one if the
    document becomes easy.
    """
    document = session.documents[index].tokens
    best = int(session.reference[index].argmin())
    variants: list[Variant] = []
    for position in positions:
        changed = document.copy()
        changed[position:] = np.resize(document[best : best + 2], document.size - position)
        variants.append(("suffix", position, changed))
    return variants


def shuffle_suffixes(session: AuditSession, index: int, positions: Sequence[int]) -> list[Variant]:
    """Shuffle all tokens from each position on."""
    variants: list[Variant] = []
    for position in positions:
        changed = session.documents[index].tokens.copy()
        changed[position:] = session.rng.permutation(changed[position:])
        variants.append(("shuffle", position, changed))
    return variants


def change_tokens(session: AuditSession, index: int, positions: Sequence[int]) -> list[Variant]:
    """Replace the token at each position, one position a variant."""
    return [("token", position, _replace_tokens(session, index, position, position + 1)) for position in positions]


def change_length(session: AuditSession, index: int) -> list[Variant]:
    """Cut the document at several positions, and extend it by half its length."""
    whole = session.documents[index].tokens
    size = len(whole)
    cuts = dict.fromkeys(cut for cut in (size // 2, size * 7 // 8, size - 1, size // 4, 2) if 2 <= cut < size)
    grown = np.concatenate([whole, session.rng.integers(0, session.vocab_size, max(4, size // 2))])
    variants: list[Variant] = [("cut", cut, whole[:cut].copy()) for cut in cuts]
    return [("grown", size, grown), *variants]


def probe_variants(session: AuditSession, index: int, variants: Sequence[Variant]) -> Iterator[FutureChange]:
    """Score variants of a document and compare the losses before each change with the reference."""
    session.start_probe()
    scored = session.score_variants(index, [document for _, _, document in variants])
    for (kind, position, _), losses in zip(variants, scored, strict=True):
        if position > 1:
            yield compare_before(session, index, kind, position, losses)


def compare_before(session: AuditSession, index: int, kind: ChangeKind, changed: int, losses: Floats) -> FutureChange:
    """Compare the losses before position `changed` with the reference.

    Raises:
        AuditStopped: they differ, but so do the losses of identical calls.
    """
    expected = session.reference[index][: changed - 1]
    difference = losses[: changed - 1] - expected
    excess = np.abs(difference) / session.precision.tolerance(expected)
    worst = int(excess.argmax())
    exceeds = bool(excess[worst] > 1)
    if exceeds:
        # The reference of a listed document has already been compared between calls.
        reference = [] if index < session.num_listed else [session.reference[index]]
        session.confirm("length" if kind in LENGTH_KINDS else "future", losses, *reference)
    return FutureChange(
        kind=kind,
        document=session.documents[index].number,
        changed=changed,
        position=worst + 1,
        largest=float(np.abs(difference[worst])),
        mean=float(difference.mean()),
        exceeds_tolerance=exceeds,
        first_moved=int(np.flatnonzero(excess > 1)[0]) + 1 if exceeds else -1,
    )


def _replace_tokens(session: AuditSession, index: int, first: int, end: int) -> Tokens:
    """Replace every token at positions first … end − 1 by a different one."""
    document = session.documents[index].tokens.copy()
    step = session.rng.integers(1, session.vocab_size, end - first)
    document[first:end] = (document[first:end] + step) % session.vocab_size
    return document
