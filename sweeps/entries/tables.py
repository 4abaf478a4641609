"""Score tables of evaluations, read by digest."""

from functools import lru_cache

import numpy as np

from jobs.files import FileStore
from jobs.scores import read_table
from sweeps.statistics.documents import Documents

TABLES = 512
"""Score tables that stay in memory."""


@lru_cache(maxsize=TABLES)
def read_scores(files: FileStore, digest: str) -> Documents:
    """A score table: document, nll (nats), tokens and bytes, each an array [documents].

    Raises:
        InputError: the content is lost, or is no such table.
    """
    table = read_table(files.get(digest))
    # pyarrow's own to_numpy imports pandas, which takes longer than all the rest of a leaderboard.
    return {name: np.from_dlpack(table[name].combine_chunks()) for name in table.column_names}
