"""Take a home's room, or the right to write in it, for a while."""

import os
import random
import shutil
import time

from benchmarks.chaos.round import Round

AWAY_SECONDS = (2.0, 20.0)


def fill_disk(play: Round) -> bool:
    """Fill the home's file system to the last byte for a while; only one that is the run's own."""
    if not play.own_disk:
        return False
    filler = play.folder / "filler"
    with filler.open("wb", buffering=0) as stream:
        try:
            os.posix_fallocate(stream.fileno(), 0, shutil.disk_usage(play.folder).free)
            while True:
                stream.write(bytes(4096))
        except OSError:  # full, which is what was wanted
            pass
        time.sleep(random.uniform(*AWAY_SECONDS))
    filler.unlink()
    return True


def forbid_writing(play: Round) -> bool:
    """Take everybody's right to write to a home and what lies in it for a while."""
    if not play.bound_by_modes:
        return False
    paths = [play.home, *(path for path in play.home.rglob("*") if not path.is_symlink())]
    modes = {}
    for path in paths:
        try:
            modes[path] = path.stat().st_mode
            path.chmod(modes[path] & ~0o222)
        except FileNotFoundError:  # a temporary file
            continue
    time.sleep(random.uniform(*AWAY_SECONDS))
    for path, mode in modes.items():
        try:
            path.chmod(mode)
        except FileNotFoundError:
            continue
    return True
