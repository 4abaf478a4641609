"""Adaptive entropy coding with an asymmetric numeral system (ANS, Duda 2013, from the library `constriction`).

Encoder and decoder both count symbol frequencies per context from the symbols coded so far (Cleary & Witten 1984), so
no table is stored. Frequencies are updated after ever longer parts, each coded by one call. They are whole numbers that
sum to less than 2²⁴, which floats represent exactly, so that every machine derives the same model.
"""

from typing import Any, ClassVar

import constriction
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Symbols = NDArray[Any]
"""Whole numbers ≥ 0 of any integer type."""

INCREMENT = 16
"""Added to a symbol's frequency each time it occurs; frequencies start at 1."""
FIRST_PART, LONGEST_PART = 32, 2**18
"""Symbols coded between two updates of the frequencies: at first, and at most."""
MAX_CARRIED, MAX_SUM = 2**17, 2**23
"""Frequencies are halved until their sum is at most this: between tensors, to follow a change, and within one."""

_Ans = constriction.stream.stack.AnsCoder
_Categorical = constriction.stream.model.Categorical
_Uniform = constriction.stream.model.Uniform
_END = np.array([1], np.int32)
"""Coded at the end: truncated content decodes to zeros."""
_END_BITS = 23
"""Bits of the coder's state that holds only the end mark, 2²³; a state that holds more is no smaller."""


class Coder:
    """The part that encoder and decoder share: both use the same models in the same order."""

    encoding: ClassVar[bool]

    def __init__(self) -> None:
        self.family = ""
        """Tensors of one family share frequencies."""
        self._frequencies: dict[tuple[str, str, int], Ints] = {}

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        """Code symbols [n] with one model; a decoder uses only the number of the symbols passed to it."""
        raise NotImplementedError

    def adaptive(self, name: str, symbols: Symbols, size: int, contexts: Symbols | None = None) -> Symbols:
        """Code symbols [n] below `size`, each in its context [n], with the frequencies of this family and name.

        Returns:
            The symbols; a decoder gets only their number from `symbols`.
        """
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
        result = np.empty_like(symbols)
        result[order] = grouped
        return result

    def _run(self, symbols: Symbols, frequencies: Ints) -> Symbols:
        """Code symbols [n] of one context in parts, and count them."""
        if not len(symbols):
            return symbols
        while frequencies.sum() > MAX_CARRIED:
            frequencies -= frequencies // 2
        parts, start = [], 0
        length = max(FIRST_PART, int(frequencies.sum()) // (8 * INCREMENT))
        while start < len(symbols):
            model = _Categorical(frequencies.astype(np.float64), perfect=False)
            parts.append(self.code(symbols[start : start + length], model))
            frequencies += INCREMENT * np.bincount(parts[-1], minlength=len(frequencies))
            while frequencies.sum() > MAX_SUM:
                frequencies -= frequencies // 2
            start, length = start + length, min(2 * length, LONGEST_PART)
        return np.concatenate(parts).astype(symbols.dtype, copy=False)

    def raw(self, numbers: Ints, bits: int) -> Ints:
        """Code numbers [n] below 2^bits with equal probabilities."""
        result = np.zeros_like(numbers)
        for shift in range(0, bits, 16):
            width = min(16, bits - shift)
            piece = (numbers >> shift) & ((1 << width) - 1)
            result |= self.code(piece, _Uniform(1 << width)).astype(np.int64) << shift
        return result


class Encoder(Coder):
    """Collects symbols and codes them at the end, last to first, because ANS is a stack."""

    encoding = True

    def __init__(self) -> None:
        super().__init__()
        self.group = ""
        """Group to which the bits of the following symbols count."""
        self._steps: list[tuple[str, Symbols, Any]] = []

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        self._steps.append((self.group, symbols, model))
        return symbols

    def finish(self) -> tuple[bytes, dict[str, int]]:
        """The coded bytes, and the bytes of each group."""
        ans, spent, before = _Ans(), dict.fromkeys((group for group, _, _ in self._steps), 0), 0
        ans.encode_reverse(_END, _Uniform(2))
        for group, symbols, model in reversed(self._steps):
            ans.encode_reverse(symbols.astype(np.int32), model)
            spent[group] += (ans.num_bits() - before) // 8
            before = ans.num_bits()
        return ans.get_compressed().astype("<u4").tobytes(), spent


class Decoder(Coder):
    """Decodes symbols; raises ValueError as soon as the content has ended, before it trusts further symbols."""

    encoding = False

    def __init__(self, content: bytes) -> None:
        """Start decoding.

        Raises:
            ValueError: the end of the content is not one that an encoder writes.
        """
        super().__init__()
        self._ans = _Ans(np.frombuffer(content, "<u4").astype(np.uint32))

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        decoded: NDArray[np.int32] = self._ans.decode(model, len(symbols))
        if self._ans.num_valid_bits() < _END_BITS:
            raise ValueError("it ends before its last weight")
        return decoded

    def at_end(self) -> bool:
        """Whether only the end mark is left."""
        mark = self._ans.decode(_Uniform(2), len(_END))
        return bool(mark == _END) and bool(self._ans.is_empty())
