"""The bundled corpus with two short validation documents, where `golf.data.corpus.bundled_corpus` looks for it."""

from pathlib import Path

from golf.data.corpus import DemoData
from golf.data.tokens import read_shard, split_documents, write_shard

DOCUMENTS, TOKENS = 2, 600


def put_corpus(demo: DemoData, cache: Path) -> None:
    """Put it into a cache folder, which XDG_CACHE_HOME is to name."""
    folder = cache / "golfsweep" / "demo"
    folder.mkdir(parents=True)
    for path in demo.tokens.iterdir():
        if "_val_" not in path.name:
            (folder / path.name).symlink_to(path)
            continue
        documents = split_documents(read_shard(path))[:DOCUMENTS]
        write_shard(folder / path.name, [int(token) for document in documents for token in document[:TOKENS]])
