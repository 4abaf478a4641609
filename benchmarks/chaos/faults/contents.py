"""Lose or damage a content of the file store: any output of a finished job."""

import random
from collections.abc import Callable
from pathlib import Path

from benchmarks.chaos.round import Round
from jobs.state import JobState


def lose_content(play: Round) -> bool:
    """Delete a content."""
    return _spoil(play, Path.unlink)


def damage_content(play: Round) -> bool:
    """Flip a bit of a content, cut it or empty it."""
    return _spoil(play, random.choice([_flip, _cut, _empty]))


def _spoil(play: Round, spoil: Callable[[Path], None]) -> bool:
    """Spoil one random content, and write down which jobs may therefore be done again."""
    with play.store() as store:
        makers: dict[str, list[str]] = {}
        for job in store.jobs():
            if job.state == JobState.DONE:
                for value in (job.outputs or {}).values():
                    if isinstance(value, str):
                        makers.setdefault(value, []).append(job.key)
    # An empty one was damaged before and nobody has read it since: there is nothing left of it to spoil.
    contents = [
        path for path in play.files.rglob("*") if path.name in makers and path.is_file() and path.stat().st_size
    ]
    if not contents:
        return False
    content = random.choice(contents)
    spoil(content)
    play.losses.update(makers[content.name])
    return True


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[random.randrange(len(content))] ^= 1 << random.randrange(8)
    path.write_bytes(content)


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: random.randrange(len(content))])


def _empty(path: Path) -> None:
    path.write_bytes(b"")
