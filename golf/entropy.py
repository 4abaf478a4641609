"""Entropy coding of weights: adaptive context models in front of an asymmetric numeral system.

Weights of one matrix differ in scale from row to row and from column to column, and within an entry of known scale
there is nothing left to predict. So a matrix is sent as a scale class for each row and column, a quarter of an octave
apart, and each entry under the frequencies of its context, the sum of its two classes. Frequencies are counted on both
sides from what has been coded (Cleary & Witten 1984), shared by all tensors, so no table is stored; they are updated
after runs of symbols that grow with what was seen, so that whole runs are coded by one call.

    whole numbers   the value, in the context of its class
    floats          is it the tensor's most common value (pruned weights, gains at their start)?, then sign and exponent
                    relative to the class, then 3 bits of the fraction by exponent and class, the rest as it is
    similar rows    rows of tokens that no training met share their drift: those are sent as differences from one row

All that the decoder computes is whole numbers; the frequencies that go to the coder (Duda 2013, as implemented in
`constriction`) are whole and sum to less than 2²⁴, so that floats hold them exactly: any machine decodes alike.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import constriction
import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Symbols = NDArray[Any]
"""Whole numbers of any width, ≥ 0."""

OCTAVE = 4
"""Scale classes an octave."""
CLASS_ZERO = 160
"""Class of a mean magnitude of 1; a tensor's is between 0 and 255."""
LARGEST = np.float32(2**24)
"""Beyond this all magnitudes are the same to the encoder's choice of classes."""
SPREAD = 32
"""A row or column differs from its tensor by less than this many classes."""
CONTEXTS = 48
CONTEXT_ZERO = 20
"""Context of whole numbers of mean magnitude 1."""
CLASSES_FROM = 32
"""Rows shorter than this share one class: its bits would cost more than they save; columns likewise."""
EXPONENT_ZERO = 12
"""Symbol of an exponent that equals its class."""
LEADING = 3
"""Bits of a fraction that are worth modelling."""
INCREMENT = 16
"""What a symbol adds to its frequency, all of which start at 1."""
FIRST_PART, LONGEST_PART = 32, 2**18
"""Symbols coded before their frequencies are updated: ever more, as these get known."""
CARRIED, MOST = 2**17, 2**23
"""Frequencies are halved down to these sums between tensors, so that they follow a change, and within one."""
SIMILAR = 0.7
"""Cosine above which a row is sent as its difference from another."""
COMMON_FROM = 8
"""A value is the tensor's common one if it is there so often, and in one of 64 places."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a float keeps its parts (IEEE 754)."""

    unsigned: type[np.unsignedinteger[Any]]
    width: int
    fraction: int
    """Bits of the fraction."""
    exponents: int
    """How many exponents there are."""


LAYOUTS = {2: Layout(np.uint16, 16, 10, 32), 4: Layout(np.uint32, 32, 23, 256)}
"""By bytes of a number."""

_Ans = constriction.stream.stack.AnsCoder
_Categorical = constriction.stream.model.Categorical
_Uniform = constriction.stream.model.Uniform
_END = np.array([1], np.int32)
"""Coded behind everything: from content that ends too early, zeros are read."""


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
        contexts = np.zeros(len(symbols), np.uint8) if contexts is None else contexts.astype(np.uint8)
        key = (self.family, name, size)
        table = self._frequencies.setdefault(key, np.ones((256, size), np.int64))
        order = np.argsort(contexts, kind="stable")
        grouped = symbols[order] if self.encoding else np.empty_like(symbols)
        ends = np.cumsum(np.bincount(contexts)).tolist()
        for context, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if start < end:
                grouped[start:end] = self._run(grouped[start:end], table[context])
        found = np.empty_like(symbols)
        found[order] = grouped
        return found

    def _run(self, symbols: Symbols, frequencies: Ints) -> Symbols:
        """Code symbols [n] of one context, part by part, and count them."""
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
        return np.concatenate(parts)

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
    """Takes symbols off coded bytes."""

    encoding = False

    def __init__(self, content: bytes) -> None:
        """Raises: ValueError, if no encoder ends so."""
        super().__init__()
        self._ans = _Ans(np.frombuffer(content, "<u4").astype(np.uint32))

    def code(self, symbols: Symbols, model: Any) -> Symbols:
        found: NDArray[np.int32] = self._ans.decode(model, len(symbols))
        return found

    def at_end(self) -> bool:
        """Whether the encoder's mark comes next, and nothing after it."""
        mark = self._ans.decode(_Uniform(2), len(_END))
        return bool(mark == _END) and bool(self._ans.is_empty())


def code_integers(coder: Coder, values_RC: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
    """Code a matrix of whole numbers of `bits` bits; a decoder reads nothing but its shape."""
    largest = 2 ** (bits - 1) - 1
    class_RC = _scale_classes(coder, values_RC)
    contexts = np.clip(class_RC - (CLASS_ZERO - CONTEXT_ZERO), 0, CONTEXTS - 1).astype(np.uint8).reshape(-1)
    symbols = (values_RC.reshape(-1) + np.int8(largest)).view(np.uint8)
    found = coder.adaptive("integer", symbols, 2 * largest + 1, contexts)
    return (found.view(np.int8) - np.int8(largest)).reshape(values_RC.shape)


def code_floats(coder: Coder, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Code fp16 or fp32 numbers of any shape, bit for bit; a decoder reads nothing but shape and dtype."""
    if not values.size:
        return values
    rows_RC = values.reshape((len(values), -1) if values.ndim > 1 else (1, -1))
    parts = [rows_RC] if len(rows_RC) >= CLASSES_FROM else [row_C[None] for row_C in rows_RC]
    return np.concatenate([_code_matrix(coder, part_RC) for part_RC in parts]).reshape(values.shape)


def _code_matrix(coder: Coder, values_RC: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    layout = LAYOUTS[values_RC.dtype.itemsize]
    bits_RC = np.ascontiguousarray(values_RC).view(layout.unsigned).astype(np.int64)
    rest_RC = _common_value(coder, bits_RC, layout)
    similar_R = _similar_rows(coder, values_RC)
    class_PC = _scale_classes(coder, values_RC[~similar_R])
    plain_RC = rest_RC & ~similar_R[:, None]
    bits_RC[plain_RC] = _code_plain(coder, bits_RC[plain_RC], class_PC[rest_RC[~similar_R]], layout)
    if similar_R.any():
        mean_C = values_RC[similar_R].astype(np.float64).mean(0).astype(values_RC.dtype)
        expected_C = _code_plain(coder, mean_C.view(layout.unsigned).astype(np.int64), class_PC[0], layout)
        alike_RC = rest_RC & similar_R[:, None]
        expected = np.broadcast_to(expected_C, bits_RC.shape)[alike_RC]
        bits_RC[alike_RC] = _code_difference(coder, bits_RC[alike_RC], expected, layout)
    return bits_RC.astype(layout.unsigned).view(values_RC.dtype)


def _scale_classes(coder: Coder, values_RC: NDArray[Any]) -> NDArray[np.int16]:
    """Code a class for every row and column; return their sums [R, C], of which `CLASS_ZERO` means a magnitude of 1."""
    rows, columns = values_RC.shape
    base, row_R, column_C = 0, np.zeros(rows, np.int64), np.zeros(columns, np.int64)
    if coder.encoding:
        base, row_R, column_C = _fit_classes(values_RC)
    base = int(coder.raw(np.array([base]), 8)[0])
    if columns >= CLASSES_FROM:
        row_R = coder.adaptive("row", row_R + SPREAD, 2 * SPREAD) - SPREAD
    if rows >= CLASSES_FROM:
        column_C = coder.adaptive("column", column_C + SPREAD, 2 * SPREAD) - SPREAD
    sums_RC: NDArray[np.int16] = (base + row_R).astype(np.int16)[:, None] + column_C.astype(np.int16)
    return sums_RC


def _fit_classes(values_RC: NDArray[Any]) -> tuple[int, Ints, Ints]:
    """A class for the tensor, and what rows [R] and columns [C] add to it, such that |w| is about 2^(sum / OCTAVE)."""
    size_RC = np.minimum(np.abs(values_RC).astype(np.float32), LARGEST)
    rows, columns = size_RC.shape
    long_enough = columns >= CLASSES_FROM
    class_R = _classes(size_RC.mean(1) if long_enough else size_RC.mean()[None], columns)
    base = int(np.clip(np.median(class_R), 0, 255))
    row_R = np.clip(class_R - base, -SPREAD, SPREAD - 1) if long_enough else np.zeros(rows, np.int64)
    if rows < CLASSES_FROM:
        return base, row_R, np.zeros(columns, np.int64)
    # Whole weights: sums of whole numbers are exact then, so that the choice is the same on every machine.
    weight_R = np.clip(np.rint(16 * np.exp2(-row_R / OCTAVE)), 1, 256).astype(np.float32)
    relative_C = weight_R @ size_RC
    class_C = _classes(relative_C / max(float(relative_C.mean()), 1e-30), rows) - CLASS_ZERO
    return base, row_R, np.clip(class_C, -SPREAD, SPREAD - 1)


def _classes(mean: NDArray[np.floating[Any]], samples: int) -> Ints:
    """Classes of means of `samples` magnitudes; all the same where they differ no more than by chance.

    The mean of n magnitudes of a normal variable is off by √(π/2 − 1) / √n of itself.
    """
    exact = OCTAVE * np.log2(np.maximum(mean, 2.0**-40).astype(np.float64))
    chance = OCTAVE / np.log(2) * np.sqrt((np.pi / 2 - 1) / samples)
    if exact.std() < 1.5 * chance:
        exact = np.full_like(exact, np.median(exact))
    classes: Ints = np.rint(exact).astype(np.int64) + CLASS_ZERO
    return classes


def _common_value(coder: Coder, bits_RC: Ints, layout: Layout) -> NDArray[np.bool_]:
    """Code where the most common value is, and put it there; return the mask of all other places."""
    common, found = 0, False
    if coder.encoding:
        numbers, counts = np.unique(bits_RC, return_counts=True)
        common, most = int(numbers[counts.argmax()]), int(counts.max())
        found = most >= max(COMMON_FROM, bits_RC.size // 64)
    if not coder.adaptive("common", np.array([found], np.int64), 2)[0]:
        return np.ones(bits_RC.shape, np.bool_)
    common = int(coder.raw(np.array([common]), layout.width)[0])
    is_common = coder.adaptive("is common", (bits_RC == common).reshape(-1).astype(np.int64), 2)
    mask_RC = is_common.reshape(bits_RC.shape).astype(np.bool_)
    bits_RC[mask_RC] = common
    return ~mask_RC


def _similar_rows(coder: Coder, values_RC: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Code which rows [R] point nearly the same way as the row with most such rows; none if there are few."""
    rows, columns = values_RC.shape
    similar_R = np.zeros(rows, np.int64)
    if min(rows, columns) >= CLASSES_FROM:
        if coder.encoding:
            floats_RC = np.clip(values_RC.astype(np.float32), -LARGEST, LARGEST)
            unit_RC = floats_RC / np.maximum(np.linalg.norm(floats_RC, axis=1, keepdims=True), 1e-30)
            similar_RR = unit_RC @ unit_RC.T > SIMILAR
            similar_R = similar_RR[similar_RR.sum(1).argmax()].astype(np.int64)
            similar_R *= COMMON_FROM <= similar_R.sum() < rows
        if coder.adaptive("similar", np.array([similar_R.any()], np.int64), 2)[0]:
            return coder.adaptive("is similar", similar_R, 2).astype(np.bool_)
    return np.zeros(rows, np.bool_)


def _code_plain(coder: Coder, bits: Ints, classes: NDArray[np.int16], layout: Layout) -> Ints:
    """Code floats [n], given as their bits, of known classes [n]."""
    level, zero = classes - CLASS_ZERO, layout.exponents // 2 - 1
    octave = level // OCTAVE
    exponent, negative = (bits >> layout.fraction) % layout.exponents, bits >> (layout.width - 1)
    relative = (exponent - zero - octave + EXPONENT_ZERO) % layout.exponents
    top = coder.adaptive("top", 2 * relative + negative, 2 * layout.exponents, level % OCTAVE)
    exponent = (top // 2 + zero + octave - EXPONENT_ZERO) % layout.exponents
    contexts = np.clip(OCTAVE * (exponent - zero) - level + 5 * OCTAVE, 0, 8 * OCTAVE - 1)
    fraction = _code_fraction(coder, "leading", bits % (1 << layout.fraction), layout.fraction, contexts)
    return (top % 2) << (layout.width - 1) | exponent << layout.fraction | fraction


def _code_difference(coder: Coder, bits: Ints, expected: Ints, layout: Layout) -> Ints:
    """Code floats [n], given as their bits, as steps from the expected ones along the representable numbers."""
    step = _to_ordered(bits, layout) - _to_ordered(expected, layout)
    size = np.abs(step)
    length = np.frexp(size.astype(np.float64))[1].astype(np.int64)  # bits of a whole number: exact below 2⁵³
    contexts = (expected >> layout.fraction) % layout.exponents  # one representable step is as large as this says
    top = coder.adaptive("step", 2 * length + (step < 0), 2 * layout.width + 4, contexts)
    length = top // 2
    for bit_length in np.unique(length).tolist():
        of_it, bits_below = length == bit_length, max(0, bit_length - 1)
        below = _code_fraction(coder, "leading of step", size[of_it] % (1 << bits_below), bits_below, length[of_it])
        size[of_it] = (1 << bits_below | below) if bit_length else 0
    return _from_ordered(_to_ordered(expected, layout) + np.where(top % 2 == 1, -size, size), layout)


def _code_fraction(coder: Coder, name: str, fraction: Ints, bits: int, contexts: Ints) -> Ints:
    """Code numbers [n] below 2^bits: the leading bits by context [n], the rest as it is."""
    leading = min(LEADING, bits)
    rest = bits - leading
    first = coder.adaptive(name, fraction >> rest, 1 << LEADING, contexts)
    return first << rest | coder.raw(fraction % (1 << rest), rest)


def _to_ordered(bits: Ints, layout: Layout) -> Ints:
    """Whole numbers in the order of the floats with these bits; −0 comes before 0."""
    size = bits % (1 << (layout.width - 1))
    return np.where(bits >> (layout.width - 1), -size - 1, size)


def _from_ordered(numbers: Ints, layout: Layout) -> Ints:
    negative = numbers < 0
    size = np.where(negative, -numbers - 1, numbers) % (1 << (layout.width - 1))
    bits: Ints = negative.astype(np.int64) << (layout.width - 1) | size
    return bits
