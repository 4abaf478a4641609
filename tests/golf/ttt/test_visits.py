"""Continuous batching: every chunk of every pass once and in order, for any lengths."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from golf.ttt.config import EvalConfig
from golf.ttt.visits import plan_visits


def journey(length: int, config: EvalConfig) -> list[tuple[int, int]]:
    """Pass and chunk of every visit to a document; of passes that do not count, the last chunk is left out."""
    last = (length - 1) // config.chunk
    counts = [config.protocol != "last-epoch" or number == config.passes - 1 for number in range(config.passes)]
    return [(n, c) for n in range(config.passes) for c in range(last + 1) if c < last or counts[n]]


LENGTHS = st.lists(st.integers(1, 60), max_size=12)


@given(
    lengths=LENGTHS,
    slots=st.integers(1, 5),
    chunk=st.integers(1, 9),
    more=st.integers(0, 20),
    epochs=st.integers(1, 3),
    protocol=st.sampled_from(["score-first", "min-epoch", "last-epoch"]),
)
def test_every_chunk_of_every_pass_is_visited_once_and_in_order(
    lengths: list[int], slots: int, chunk: int, more: int, epochs: int, protocol: str
) -> None:
    config = EvalConfig(protocol=protocol, epochs=epochs, chunk=chunk, window=chunk + more)  # type: ignore[arg-type]
    seen: dict[int, list[tuple[int, int]]] = {document: [] for document in range(len(lengths))}
    holder: dict[int, int] = {}
    for visit in plan_visits(lengths, config, slots):
        assert len(set(visit.slots.tolist())) == len(visit.slots) <= slots
        assert visit.slots.max() < slots
        widths = np.minimum((visit.chunks + 1) * chunk, config.window)
        for document, slot, number, place, width in zip(
            visit.documents.tolist(), visit.slots.tolist(), visit.passes.tolist(), visit.chunks.tolist(), widths,
            strict=True,
        ):  # fmt: skip
            assert visit.last == (place == (lengths[document] - 1) // chunk)
            assert visit.last or width == widths[0]
            if not seen[document]:
                holder[document] = slot
            assert holder[document] == slot
            others = [other for other, held in holder.items() if held == slot and other != document]
            assert all(len(seen[other]) == len(journey(lengths[other], config)) for other in others)
            seen[document].append((number, place))
    for document, length in enumerate(lengths):
        assert seen[document] == journey(length, config)


def test_a_free_slot_goes_to_the_longest_waiting_document() -> None:
    config = EvalConfig(chunk=10, window=20)
    visits = list(plan_visits([5, 35, 25, 8], config, slots=2))
    entered = [int(d) for v in visits for d, c in zip(v.documents, v.chunks, strict=True) if c == 0]
    assert entered == [1, 2, 3, 0]
    # The two long documents go together; the short ones enter as soon as the first of them has left.
    assert [len(v.documents) for v in visits][:2] == [2, 2]
