"""Probes of batch neighbors: score the same documents alone, in another order, and twice. No loss may differ.

If the scorer declares state over the documents of a list, the order is kept, and only later documents may differ.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from golf.audit.certificate import Comparison, Finding
from golf.audit.scorer.checked_scorer import Floats
from golf.audit.scorer.session import REPEATED_CALL, AuditSession, has_direction

REPEATED = (REPEATED_CALL, "the same call made three times", "the same call made at start and end")
"""Kinds of comparison between identical calls."""
MEMORY = "memory"
"""Kind of comparison that shows state kept from call to call."""
ZEROS_TRIED = 3
"""How often a target with a loss of 0 is replaced by another token, in every document."""


def repeat_reference(session: AuditSession, first: Sequence[Floats]) -> Iterator[Comparison]:
    """Repeat the first call twice: a difference means that losses are random, or that the scorer remembers calls.

    `first` are the losses of the very first call, on the first documents of the list.
    """
    steps = []
    before: Sequence[Floats] = first
    for kind in REPEATED[:2]:
        repeated = session.score_documents(range(len(first)))
        comparison = session.compare(kind, range(len(first)), repeated, first, repeated=True)
        steps.append(np.concatenate(repeated) - np.concatenate(before))
        before = repeated
        yield comparison
        if comparison.exceeds_tolerance:
            session.raise_noise(2 * comparison.largest)
    if all(has_direction(step) for step in steps) and steps[0].mean() * steps[1].mean() > 0:
        mean = float(np.mean([step.mean() for step in steps]))
        number = session.documents[0].number
        yield Comparison(
            kind=MEMORY, document=number, position=-1, largest=abs(mean), mean=mean, exceeds_tolerance=True
        )


def change_neighbors(session: AuditSession) -> Iterator[Comparison]:
    """Score every document alone, and the list reversed and doubled."""
    session.start_probe()
    indices = list(range(session.num_listed))
    expected = session.reference[: session.num_listed]
    if session.ordered_state:
        yield from _drop_later_documents(session, indices, expected)
        return
    listed = session.documents[: session.num_listed]
    alone = [session.score_variants(index, [document.tokens])[0] for index, document in enumerate(listed)]
    yield session.compare("scored alone", indices, alone, expected)
    # The list reversed and then forwards: every document has another place and other neighbors, and occurs twice.
    order = [*indices[::-1], *indices]
    losses = session.score_documents(order)
    count = len(indices)
    reversed_expected = [expected[index] for index in indices[::-1]]
    yield session.compare("in a reversed list", order[:count], losses[:count], reversed_expected)
    yield session.compare("a second time in one list", indices, losses[count:], expected)


def _drop_later_documents(
    session: AuditSession, indices: list[int], expected: Sequence[Floats]
) -> Iterator[Comparison]:
    """Score prefixes of the list, and of the reversed list: later documents must not matter."""
    kind = "without the documents after it"
    for index in indices[:-1]:
        losses = session.score_documents(indices[: index + 1])
        yield session.compare(kind, indices[: index + 1], losses, expected[: index + 1])
    # Longest first: a scorer that sorts its list shows it in a list that is not sorted.
    backwards = indices[::-1]
    expected = session.score_documents(backwards)
    for count in {1, len(indices) // 2}:
        losses = session.score_documents(backwards[:count])
        yield session.compare(kind, backwards[:count], losses, expected[:count])


def find_unscored(session: AuditSession) -> Iterator[Finding]:
    """Check whether targets with a loss of exactly 0 were predicted with certainty, or not scored at all.

    If documents affect each other, a longer list is checked, too: a scorer may stop after some documents.
    """
    listed = [*range(session.num_listed)]
    lists = [(listed, session.list_reference)]
    lists += [([index], [session.reference[index]]) for index in range(session.num_listed, len(session.documents))]
    if not session.batchable:
        lists.append((listed * 2, session.score_documents(listed * 2)))
    for indices, losses in lists:
        for _ in range(ZEROS_TRIED if any((array == 0.0).any() for array in losses) else 0):
            if (finding := _find_unscored_in(session, indices, losses)) is not None:
                yield finding
                return


def _find_unscored_in(session: AuditSession, indices: Sequence[int], losses: Sequence[Floats]) -> Finding | None:
    """Replace one target of loss 0 in each document of a list: a scorer certain of one token is not of another."""
    zeros = {place: np.flatnonzero(array == 0.0) + 1 for place, array in enumerate(losses) if (array == 0.0).any()}
    chosen = {place: int(session.rng.choice(positions)) for place, positions in zeros.items()}
    documents = [session.documents[index].tokens.copy() for index in indices]
    for place, position in chosen.items():
        step = session.rng.integers(1, session.vocab_size)
        documents[place][position] = (documents[place][position] + step) % session.vocab_size
    numbers = [session.documents[index].number for index in indices]
    rescored = session.call(documents, numbers)
    for place, position in chosen.items():
        if rescored[place][position - 1] == 0.0:
            count, total = sum(map(len, zeros.values())), sum(array.size for array in losses)
            detail = f"{count} of {total} targets have a loss of exactly 0 whatever the token is: they are not scored"
            return Finding(condition="C4", document=numbers[place], position=position, measured=0.0, detail=detail)
    return None


def check_variant_in_list(session: AuditSession, index: int, position: int, token: int) -> Iterator[Comparison]:
    """Score a variant in the list of documents: it must score as among other variants, and not affect the others."""
    if session.ordered_state or index >= session.num_listed:
        return
    session.start_probe()
    variant = session.documents[index].tokens.copy()
    variant[position] = token
    expected = session.score_variants(index, [variant, session.documents[index].tokens])[0]
    listed = session.documents[: session.num_listed]
    documents = [variant if place == index else document.tokens for place, document in enumerate(listed)]
    losses = session.call(documents, [document.number for document in listed])
    yield session.compare("a changed document in the list", [index], [losses[index]], [expected])
    others = [place for place in range(session.num_listed) if place != index]
    if others:
        scored, known = [losses[place] for place in others], [session.reference[place] for place in others]
        yield session.compare("next to a changed document", others, scored, known)
