"""Which lines are worth reading: those with a mark of any known form.

A script may print gigabytes of lines that say nothing. One search with RE2 over many lines at once leaves them out; all
other readers take a line apart with dozens of expressions.
"""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from jobs.logs.fact_lines import CONFIG_KEYS

LEAST_BYTES = 1000
"""From which the search pays; fewer are all read."""
_MARKS = "(?i)" + "|".join(
    (
        r"^ ?\d|^\[|^- |^={9}|^#!|^\"\"\"",  # a stamp, a step, a ruler, or source code
        r"^(?:import|from|def|class|info|warning) ?",
        r"^[a-z]{3} [a-z]{3} +\d",  # the machine's clock
        r"\x1b",
        r"val_|bpb|loss|step:|final_|eval:|stopping_early|warmup",
        r"serialized|code size|submission size|budget:|artifact:|quantized weights",
        r"ttt|ttp: |ttpp|sliding_eval|gptq|phase:|wallclock:|outside|total_eval_time",
        r"slot|pass|rescor|ngram|ppm alpha|context mixer|min.?nll|seed|fineweb10b| ws:",
        *sorted(CONFIG_KEYS),
    )
)


def select_lines(pieces: Sequence[bytes], wanted: str | None = None) -> list[bool]:
    """For each line, whether it may say something.

    Args:
        pieces: lines without their ends.
        wanted: a regular expression of RE2 whose lines count too.
    """
    if sum(map(len, pieces)) < LEAST_BYTES:
        return [True] * len(pieces)
    lines = pa.array(pieces, pa.binary())
    marked = pc.match_substring_regex(lines, pattern=_MARKS)
    if wanted is not None:
        marked = pc.or_(marked, pc.match_substring_regex(lines, pattern=wanted))
    return list(marked.to_pylist())
