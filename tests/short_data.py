"""Short data for whole sweeps that are run for other reasons than their scores: beginnings of the demo's documents."""

import json
import re
from pathlib import Path

from golf.data.corpus import DemoData
from golf.data.tokens import find_shards, read_stream, split_documents, write_shard

TRAIN_DOCUMENTS, VALIDATION_DOCUMENTS, TUNING_DOCUMENTS = 40, 4, 6
KEPT_TOKENS = 1300
"""Of each document: more than twice the chunk of tests/tiny.toml, so that there is something to adapt to."""


def with_short_data(text: str, demo: DemoData, folder: Path) -> str:
    """A sweep file whose data are the demo's, with short data instead, which are written into a folder.

    Scores and audits of the demo's twelve long documents take most of a small sweep's time, and so does building them
    in every new home.
    """
    folder.mkdir()
    for split, count in (("train", TRAIN_DOCUMENTS), ("val", VALIDATION_DOCUMENTS)):
        documents = split_documents(read_stream(find_shards(demo.tokens, split)))[:count]
        tokens = [int(token) for document in documents for token in document[:KEPT_TOKENS]]
        write_shard(folder / f"short_{split}_000000.bin", tokens)
    values = {"tokens": str(folder), "tokenizer": str(demo.tokenizer), "tuning_documents": TUNING_DOCUMENTS}

    def name_each(match: re.Match[str]) -> str:
        return "\n".join(f"{match[1]}{name} = {json.dumps(value)}" for name, value in values.items())

    changed, count = re.subn(r'^(data\.|)tokens = "demo"$', name_each, text, flags=re.MULTILINE)
    assert count == 1, text
    return changed
