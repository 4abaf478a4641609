"""Statistical models of weights: which symbols represent a tensor, and in which contexts golf/artifact/coder.py codes
them.

The scale of weights differs between the rows and columns of a matrix, and little else about them is predictable. So a
matrix is coded as a scale class for each row and column, in steps of a quarter octave, and then each weight in a
context: the sum of its row's and column's classes.

    quantized values   the value, in the context of its class
    floats             whether it is the tensor's most common value (pruned weights, initial gains), then sign and
    exponent
                       relative to the class, then 3 bits of the fraction by exponent and class, the other bits
                       unmodeled
    similar rows       embeddings of tokens that training never saw move together: coded as differences from their mean

Every function both encodes and decodes, depending on the coder, and goes through a tensor in one order. Decoders
compute only with whole numbers, so that every machine decodes the same.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from golf.artifact.coder import Coder, Ints

OCTAVE = 4
"""Scale classes per octave."""
CLASS_ZERO = 160
"""Class of a mean magnitude of 1; classes of tensors lie in 0 … 255."""
MAX_MAGNITUDE = np.float32(2**24)
"""Larger magnitudes count as this when the encoder chooses classes."""
MAX_OFFSET = 32
"""Classes of rows and columns differ from their tensor's class by less than this."""
CONTEXTS = 48
"""Number of contexts of quantized values."""
CONTEXT_ZERO = 20
"""Context of quantized values with a mean magnitude of 1."""
MIN_CLASSED = 32
"""Rows and columns shorter than this share one class, because classes would cost more bits than they save."""
EXPONENT_ZERO = 12
"""Symbol of an exponent that equals its class."""
LEADING_BITS = 3
"""Bits of a fraction that are worth modeling."""
MIN_COSINE = 0.7
"""Rows whose cosine with another row exceeds this are coded as differences from their mean."""
MIN_COMMON = 8
"""A tensor has a common value if one occurs this often, and in at least 1 of 64 places; likewise for similar rows."""


@dataclass(frozen=True, slots=True)
class FloatLayout:
    """The parts of a float (IEEE 754)."""

    unsigned: type[np.unsignedinteger[Any]]
    width: int
    fraction: int
    """Bits of the fraction."""
    exponents: int
    """Number of different exponents."""


LAYOUTS = {2: FloatLayout(np.uint16, 16, 10, 32), 4: FloatLayout(np.uint32, 32, 23, 256)}
"""By the size of a number in bytes."""


def code_integers(coder: Coder, values_RC: NDArray[np.int8], bits: int) -> NDArray[np.int8]:
    """Code a matrix of quantized values of `bits` bits, int8 [R, C]; a decoder uses only its shape."""
    largest = 2 ** (bits - 1) - 1
    class_RC = _scale_classes(coder, values_RC)
    contexts = np.clip(class_RC - (CLASS_ZERO - CONTEXT_ZERO), 0, CONTEXTS - 1).astype(np.uint8).reshape(-1)
    symbols = (values_RC.reshape(-1) + np.int8(largest)).view(np.uint8)
    coded = coder.adaptive("integer", symbols, 2 * largest + 1, contexts)
    return (coded.view(np.int8) - np.int8(largest)).reshape(values_RC.shape)


def code_floats(coder: Coder, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Code finite fp16 or fp32 numbers of any shape losslessly; a decoder uses only shape and dtype.

    Raises:
        ValueError: a decoder's content is damaged.
    """
    if not values.size:
        return values
    rows_RC = values.reshape((len(values), -1) if values.ndim > 1 else (1, -1))
    parts = [rows_RC] if len(rows_RC) >= MIN_CLASSED else [row_C[None] for row_C in rows_RC]
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
    """Code a class for every row and column; returns their sums [R, C], where `CLASS_ZERO` is a magnitude of 1."""
    rows, columns = values_RC.shape
    base, row_R, column_C = 0, np.zeros(rows, np.int64), np.zeros(columns, np.int64)
    if coder.encoding:
        base, row_R, column_C = _fit_classes(values_RC)
    base = int(coder.raw(np.array([base]), 8)[0])
    if columns >= MIN_CLASSED:
        row_R = coder.adaptive("row", row_R + MAX_OFFSET, 2 * MAX_OFFSET) - MAX_OFFSET
    if rows >= MIN_CLASSED:
        column_C = coder.adaptive("column", column_C + MAX_OFFSET, 2 * MAX_OFFSET) - MAX_OFFSET
    sums_RC: NDArray[np.int16] = (base + row_R).astype(np.int16)[:, None] + column_C.astype(np.int16)
    return sums_RC


def _fit_classes(values_RC: NDArray[Any]) -> tuple[int, Ints, Ints]:
    """A class for the tensor, and offsets of rows [R] and columns [C], such that |w| is about 2^(sum / OCTAVE)."""
    size_RC = np.minimum(np.abs(values_RC).astype(np.float32), MAX_MAGNITUDE)
    rows, columns = size_RC.shape
    long_enough = columns >= MIN_CLASSED
    class_R = _classes(size_RC.mean(1) if long_enough else size_RC.mean()[None], columns)
    base = int(np.clip(np.median(class_R), 0, 255))
    row_R = np.clip(class_R - base, -MAX_OFFSET, MAX_OFFSET - 1) if long_enough else np.zeros(rows, np.int64)
    if rows < MIN_CLASSED:
        return base, row_R, np.zeros(columns, np.int64)
    # Whole weights keep sums of quantized values exact, so that every machine makes the same choice.
    weight_R = np.clip(np.rint(16 * np.exp2(-row_R / OCTAVE)), 1, 256).astype(np.float32)
    relative_C = weight_R @ size_RC
    mean = float(relative_C.mean())
    if not mean:  # a zero-initialized projection
        return base, row_R, np.zeros(columns, np.int64)
    class_C = _classes(relative_C / mean, rows) - CLASS_ZERO
    return base, row_R, np.clip(class_C, -MAX_OFFSET, MAX_OFFSET - 1)


def _classes(mean: NDArray[np.floating[Any]], samples: int) -> Ints:
    """Classes of means of `samples` magnitudes; one class for all if they differ no more than by chance.

    The mean of n magnitudes of a normal variable has the relative standard error √(π/2 − 1) / √n.
    """
    exact = OCTAVE * np.log2(np.maximum(mean, 2.0**-40).astype(np.float64))
    chance = OCTAVE / np.log(2) * np.sqrt((np.pi / 2 - 1) / samples)
    if exact.std() < 1.5 * chance:
        exact = np.full_like(exact, np.median(exact))
    classes: Ints = np.rint(exact).astype(np.int64) + CLASS_ZERO
    return classes


def _common_value(coder: Coder, bits_RC: Ints, layout: FloatLayout) -> NDArray[np.bool_]:
    """Code where the most common value occurs, and fill it in; returns the mask of all other places."""
    common, exists = 0, False
    if coder.encoding:
        numbers, counts = np.unique(bits_RC, return_counts=True)
        common, most = int(numbers[counts.argmax()]), int(counts.max())
        exists = most >= max(MIN_COMMON, bits_RC.size // 64)
    if not coder.adaptive("common", np.array([exists], np.int64), 2)[0]:
        return np.ones(bits_RC.shape, np.bool_)
    common = int(coder.raw(np.array([common]), layout.width)[0])
    is_common = coder.adaptive("is common", (bits_RC == common).reshape(-1).astype(np.int64), 2)
    mask_RC = is_common.reshape(bits_RC.shape).astype(np.bool_)
    bits_RC[mask_RC] = common
    return ~mask_RC


def _similar_rows(coder: Coder, values_RC: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Code which rows, bool [R], are similar to the row with the most similar rows; none if those are few."""
    rows, columns = values_RC.shape
    similar_R = np.zeros(rows, np.int64)
    if min(rows, columns) >= MIN_CLASSED:
        if coder.encoding:
            floats_RC = np.clip(values_RC.astype(np.float32), -MAX_MAGNITUDE, MAX_MAGNITUDE)
            unit_RC = floats_RC / np.maximum(np.linalg.norm(floats_RC, axis=1, keepdims=True), 1e-30)
            similar_RR = unit_RC @ unit_RC.T > MIN_COSINE
            similar_R = similar_RR[similar_RR.sum(1).argmax()].astype(np.int64)
            similar_R *= MIN_COMMON <= similar_R.sum() < rows
        if coder.adaptive("similar", np.array([similar_R.any()], np.int64), 2)[0]:
            similar_R = coder.adaptive("is similar", similar_R, 2)
            if similar_R.all():
                raise ValueError("it claims that all rows of a matrix are similar")
            return similar_R.astype(np.bool_)
    return np.zeros(rows, np.bool_)


def _code_plain(coder: Coder, bits: Ints, classes: NDArray[np.int16], layout: FloatLayout) -> Ints:
    """Code floats [n], passed as their bits, with known classes [n]."""
    level, zero = classes - CLASS_ZERO, layout.exponents // 2 - 1
    octave = level // OCTAVE
    exponent, negative = (bits >> layout.fraction) % layout.exponents, bits >> (layout.width - 1)
    relative = (exponent - zero - octave + EXPONENT_ZERO) % layout.exponents
    top = coder.adaptive("top", 2 * relative + negative, 2 * layout.exponents, level % OCTAVE)
    exponent = (top // 2 + zero + octave - EXPONENT_ZERO) % layout.exponents
    contexts = np.clip(OCTAVE * (exponent - zero) - level + 5 * OCTAVE, 0, 8 * OCTAVE - 1)
    fraction = _code_fraction(coder, "leading", bits % (1 << layout.fraction), layout.fraction, contexts)
    return (top % 2) << (layout.width - 1) | exponent << layout.fraction | fraction


def _code_difference(coder: Coder, bits: Ints, expected: Ints, layout: FloatLayout) -> Ints:
    """Code floats [n], passed as their bits, as steps along the representable floats from the expected ones."""
    step = _to_ordered(bits, layout) - _to_ordered(expected, layout)
    size = np.abs(step)
    length = np.frexp(size.astype(np.float64))[1].astype(np.int64)  # bits of a whole number: exact below 2⁵³
    contexts = (expected >> layout.fraction) % layout.exponents  # it decides how large one step is
    top = coder.adaptive("step", 2 * length + (step < 0), 2 * layout.width + 4, contexts)
    length = top // 2
    for bit_length in np.unique(length).tolist():
        of_it, bits_below = length == bit_length, max(0, bit_length - 1)
        below = _code_fraction(coder, "leading of step", size[of_it] % (1 << bits_below), bits_below, length[of_it])
        size[of_it] = (1 << bits_below | below) if bit_length else 0
    return _from_ordered(_to_ordered(expected, layout) + np.where(top % 2 == 1, -size, size), layout)


def _code_fraction(coder: Coder, name: str, fraction: Ints, bits: int, contexts: Ints) -> Ints:
    """Code numbers [n] below 2^bits: the leading bits in contexts [n], the other bits unmodeled."""
    leading = min(LEADING_BITS, bits)
    rest = bits - leading
    first = coder.adaptive(name, fraction >> rest, 1 << LEADING_BITS, contexts)
    return first << rest | coder.raw(fraction % (1 << rest), rest)


def _to_ordered(bits: Ints, layout: FloatLayout) -> Ints:
    """Map the bits of floats to whole numbers in the floats' order; −0 comes before 0."""
    size = bits % (1 << (layout.width - 1))
    return np.where(bits >> (layout.width - 1), -size - 1, size)


def _from_ordered(numbers: Ints, layout: FloatLayout) -> Ints:
    """The inverse of `_to_ordered`."""
    negative = numbers < 0
    size = np.where(negative, -numbers - 1, numbers) % (1 << (layout.width - 1))
    bits: Ints = negative.astype(np.int64) << (layout.width - 1) | size
    return bits
