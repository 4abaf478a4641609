"""Which lines are worth reading: those with a mark of any known form; some of very many that differ in digits only.

A script may print gigabytes of lines that say nothing, or nothing new. A few searches with RE2 over many lines at once
leave them out; all other readers take a line apart with dozens of expressions.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.logs.fact_lines import CONFIG_KEYS

LEAST_BYTES = 1000
"""From which the search pays; fewer are all read."""
MOST_ALIKE = 2000
"""Of lines that arrive together and differ in digits only, so many are all read."""
SOME_ALIKE = 500
"""Of more, about so many: the first, the last, and some between them, evenly spaced."""
_MARKS = "(?i)" + "|".join(
    (
        r"^ ?\d|^\[|^- |^={9}|^#!|^\"\"\"",  # a stamp, a step, a ruler, or source code
        r"^(?:import|from|def|class|info|warning) ?",
        r"^[a-z]{3} [a-z]{3} +\d",  # the machine's clock
        r"\x1b",
        r"val_|bpb|train_loss|step:|final_|eval:|stopping_early|warmup",
        r"serialized|code size|submission size|budget:|artifact:|quantized weights",
        r"ttt|ttp: |ttpp|sliding_eval|gptq|phase:|wallclock:|outside|total_eval_time",
        r"slot|pass|rescor|ngram|ppm alpha|context mixer|min.?nll|seed|fineweb10b| ws:",
        *sorted(CONFIG_KEYS),
    )
)


def select_lines(pieces: Sequence[bytes], wanted: str | None = None) -> list[bool]:
    """For each line, whether it may say something.

    Args:
        pieces: lines without their ends, as they arrived together.
        wanted: a regular expression of RE2 whose lines count too.
    """
    if sum(map(len, pieces)) < LEAST_BYTES:
        return [True] * len(pieces)
    lines = pa.array(pieces, pa.binary())
    marked = _fit(lines, _MARKS)
    if wanted is not None:
        marked |= _fit(lines, wanted)
    if marked.sum() > MOST_ALIKE:
        marked[_repetitions(lines, marked)] = False
    chosen: list[bool] = marked.tolist()
    return chosen


def _repetitions(lines: pa.Array, marked: np.ndarray) -> np.ndarray:
    """Positions of lines that are left out because very many others have the same text but for its digits."""
    positions = np.flatnonzero(marked)
    texts = pc.replace_substring_regex(lines.take(pa.array(positions)), pattern=r"\d+", replacement="0")
    kinds = texts.dictionary_encode().indices.to_numpy()
    left_out = np.zeros(len(positions), dtype=bool)
    for kind in np.flatnonzero(np.bincount(kinds) > MOST_ALIKE):
        alike = np.flatnonzero(kinds == kind)
        left_out[alike] = True
        left_out[alike[:: len(alike) // SOME_ALIKE]] = False
        left_out[alike[-1]] = False
    return positions[left_out]


def _fit(lines: pa.Array, pattern: str) -> np.ndarray:
    """Which lines fit an expression."""
    fitting: np.ndarray = pc.match_substring_regex(lines, pattern=pattern).to_numpy(zero_copy_only=False)
    return fitting.copy()
