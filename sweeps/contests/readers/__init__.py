"""Readers of logs. A reader is a function from a contest's `[log]` table and the log's lines to a `TrainingLog`.

To add a reader, add a file here and a line to `READERS`.
"""

from collections.abc import Callable, Iterable, Mapping

from sweeps.contests.contest import LogTable
from sweeps.contests.log import TrainingLog
from sweeps.contests.readers.step_lines import read as read_step_lines

Reader = Callable[[LogTable, Iterable[bytes]], TrainingLog]

READERS: Mapping[str, Reader] = {
    "step-lines": read_step_lines,
}
