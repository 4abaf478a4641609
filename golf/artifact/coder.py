"""Adaptive entropy coding: frequencies learnt on both sides, in front of an asymmetric numeral system.

Frequencies of symbols are counted, context by context, from what has been coded (Cleary & Witten 1984), so no table
is stored. They are updated after parts that grow with what is known, so that a whole part is coded by one call. The
numeral system (Duda 2013) is that of `constriction`; its frequencies are whole and sum to less than 2²⁴, which floats
hold exactly, so that every machine derives the same model from them.
"""

from typing import Any, ClassVar

import constriction
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Symbols = NDArray[Any]
"""Whole numbers of any width, ≥ 0."""

INCREMENT = 16
"""What a symbol adds to its frequency, all of which start at 1."""
FIRST_PART, LONGEST_PART = 32, 2**18
"""Symbols coded before their frequencies are updated: ever more, as these get known."""
CARRIED, MOST = 2**17, 2**23
"""Frequencies are halved down to these sums between tensors, so that they follow a change, and within one."""

_Ans = constriction.stream.stack.AnsCoder
_Categorical = constriction.stream.model.Categorical
_Uniform = constriction.stream.model.Uniform
_END = np.array([1], np.int32)
"""Coded behind everything: from content that ends too early, zeros are read."""
_END_BITS = 23
"""Of the numeral system's state with the mark alone in it, 2²³; with anything coded on top it is no smaller."""


class Coder:
    """What encoder and decoder share: both walk through the same models in the same order."""

    encoding: ClassVar[bool]

    def __init__(self) -> None:
        self.family = ""
        """Tensors of one family share their frequencies."""
        self._frequencies: dict[tuple[str, str, int], Ints] = {}

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        """Code symbols under one model; a decoder takes no more than their number from what it is given."""
        raise NotImplementedError

    def adaptive(self, name: str, symbols: Symbols, size: int, contexts: Symbols | None = None) -> Symbols:
        """Code symbols [n] below `size`, each in its context [n], under the frequencies that go by family and name."""
        key = (self.family, name, size)
        table = self._frequencies.setdefault(key, np.ones((256, size), np.int64))
        if contexts is None:
            return self._run(symbols, table[0])
        contexts = contexts.astype(np.uint8)
        order = np.argsort(contexts, kind="stable")
        grouped = symbols[order] if self.encoding else np.empty_like(symbols)
        ends = np.cumsum(np.bincount(contexts)).tolist()
        for context, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            grouped[start:end] = self._run(grouped[start:end], table[context])
        found = np.empty_like(symbols)
        found[order] = grouped
        return found

    def _run(self, symbols: Symbols, frequencies: Ints) -> Symbols:
        """Code symbols [n] of one context, part by part, and count them."""
        if not len(symbols):
            return symbols
        while frequencies.sum() > CARRIED:
            frequencies -= frequencies // 2
        parts, start = [], 0
        length = max(FIRST_PART, int(frequencies.sum()) // (8 * INCREMENT))
        while start < len(symbols):
            model = _Categorical(frequencies.astype(np.float64), perfect=False)
            parts.append(self.code(symbols[start : start + length], model))
            frequencies += INCREMENT * np.bincount(parts[-1], minlength=len(frequencies))
            while frequencies.sum() > MOST:
                frequencies -= frequencies // 2
            start, length = start + length, min(2 * length, LONGEST_PART)
        return np.concatenate(parts).astype(symbols.dtype, copy=False)

    def raw(self, numbers: Ints, bits: int) -> Ints:
        """Code numbers [n] below 2^bits as they are."""
        result = np.zeros_like(numbers)
        for shift in range(0, bits, 16):
            width = min(16, bits - shift)
            piece = (numbers >> shift) & ((1 << width) - 1)
            result |= self.code(piece, _Uniform(1 << width)).astype(np.int64) << shift
        return result


class Encoder(Coder):
    """Collects symbols; the numeral system is a stack, so they are coded from last to first at the end."""

    encoding = True

    def __init__(self) -> None:
        super().__init__()
        self.group = ""
        """What the bits of the symbols to come are booked under."""
        self._steps: list[tuple[str, Symbols, Any]] = []

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        self._steps.append((self.group, symbols, model))
        return symbols

    def finish(self) -> tuple[bytes, dict[str, int]]:
        """The coded bytes, and how many of them each group takes."""
        ans, spent, before = _Ans(), dict.fromkeys((group for group, _, _ in self._steps), 0), 0
        ans.encode_reverse(_END, _Uniform(2))
        for group, symbols, model in reversed(self._steps):
            ans.encode_reverse(symbols.astype(np.int32), model)
            spent[group] += (ans.num_bits() - before) // 8
            before = ans.num_bits()
        return ans.get_compressed().astype("<u4").tobytes(), spent


class Decoder(Coder):
    """Takes symbols off coded bytes; ValueError where these end too early, before more of them is believed."""

    encoding = False

    def __init__(self, content: bytes) -> None:
        """Raises: ValueError, if no encoder ends so."""
        super().__init__()
        self._ans = _Ans(np.frombuffer(content, "<u4").astype(np.uint32))

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        found: NDArray[np.int32] = self._ans.decode(model, len(symbols))
        if self._ans.num_valid_bits() < _END_BITS:
            raise ValueError("it ends before its last weight")
        return found

    def at_end(self) -> bool:
        """Whether the encoder's mark comes next, and nothing after it."""
        mark = self._ans.decode(_Uniform(2), len(_END))
        return bool(mark == _END) and bool(self._ans.is_empty())
