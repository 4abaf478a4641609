"""Replay a log to the live reader in random pieces, and compare with what the reader of complete logs takes from it.

python -m tests.jobs.logs.replay DIR    does so with every log under a folder of public records
"""

import random
import sys
from collections.abc import Mapping
from pathlib import Path

from jobs.logs import Log, merge_logs, parse
from jobs.logs.live import OUTPUT, LiveLog


def cut(content: bytes, chance: random.Random, pieces: int) -> list[bytes]:
    """The content in that many pieces, of any lengths, some of them empty."""
    places = sorted(chance.randint(0, len(content)) for _ in range(pieces - 1))
    return [content[start:end] for start, end in zip([0, *places], [*places, len(content)], strict=True)]


def replay(files: Mapping[str, bytes], chance: random.Random, pieces: int) -> LiveLog:
    """A live log that was fed the files in pieces, in any order between files."""
    live = LiveLog()
    waiting = {name: cut(content, chance, pieces) for name, content in files.items()}
    shown = 0.0
    while waiting:
        name = chance.choice(sorted(waiting))
        live.feed(name, waiting[name].pop(0))
        if not waiting[name]:
            del waiting[name]
        before, (shown, note) = shown, live.progress()
        assert before <= shown <= 1, (before, shown)
        assert note
    live.end()
    return live


def complete(files: Mapping[str, bytes]) -> Log:
    """What the reader of complete logs takes from them, the script's own first."""
    return merge_logs([parse([files[name]]) for name in sorted(files, key=lambda name: (name == OUTPUT, name))])


def compare_folder(folder: Path, pieces: int) -> list[Path]:
    """The logs under a folder that give something else when they are replayed, by line or in pieces of two files."""
    chance, different = random.Random(0), []
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.suffix not in (".log", ".txt"):
            continue
        content = path.read_bytes()
        by_line = LiveLog()
        for line in content.splitlines(keepends=True):
            by_line.feed(OUTPUT, line)
        by_line.end()
        both = {OUTPUT: content, "logs/own.txt": content}
        if by_line.log() != parse([content]) or replay(both, chance, pieces).log() != complete(both):
            different.append(path)
    return different


if __name__ == "__main__":
    differing = compare_folder(Path(sys.argv[1]), pieces=300)
    print(*[f"differs: {path}" for path in differing], f"{len(differing)} logs differ", sep="\n")
    sys.exit(1 if differing else 0)
