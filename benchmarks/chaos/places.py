"""The places in which rounds are played: what drivers run on, and where their database and files lie."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from benchmarks.chaos.clusters import Cluster, FakeNodes, Here
from benchmarks.chaos.round import Round
from tests.postgresql import Server, find_binaries
from tests.wall_clock import WallClock, find_compiler

NODES, SLOTS = 2, 2
DISK = "2g"
"""Size of the file system in memory on which a round's files lie."""
OVERRIDES = "-dac_override,-dac_read_search"
"""Capabilities by which root may write to what its mode forbids."""


@contextmanager
def on_a_cluster(folder: Path, sweeps: Sequence[Path]) -> Iterator[Round]:
    """A Ray cluster of fake nodes that both drivers join; two homes on one PostgreSQL and one file store."""
    binaries = find_binaries()
    assert binaries is not None, "no PostgreSQL server is installed"
    folder.mkdir()
    server = Server(folder / "postgresql", binaries)
    server.start()
    with _closing(FakeNodes(NODES, SLOTS)) as cluster:
        try:
            yield Round(folder, cluster, sweeps, server=server)
        finally:
            server.kill()


@contextmanager
def with_own_ray(folder: Path, sweeps: Sequence[Path]) -> Iterator[Round]:
    """A Ray that each driver starts itself; one home with SQLite on a small disk."""
    with _closing(Here(with_ray=True)) as cluster, _small_disk(folder) as own_disk:
        prefix = _without_overrides()
        yield Round(folder, cluster, sweeps, own_disk=own_disk, bound_by_modes=prefix is not None, prefix=prefix or ())


@contextmanager
def without_ray(folder: Path, sweeps: Sequence[Path]) -> Iterator[Round]:
    """This machine without Ray, with a wall clock that can be stepped; one home with SQLite on a small disk."""
    with _closing(Here(with_ray=False)) as cluster, _small_disk(folder) as own_disk:
        prefix = _without_overrides()
        play = Round(folder, cluster, sweeps, own_disk=own_disk, bound_by_modes=prefix is not None, prefix=prefix or ())
        if find_compiler():
            play.clock = WallClock(folder)
        else:
            print("no C compiler is installed: no steps of the clock", file=sys.stderr, flush=True)
        yield play


PLACES: Mapping[str, Callable[[Path, Sequence[Path]], AbstractContextManager[Round]]] = {
    "cluster": on_a_cluster,
    "ray": with_own_ray,
    "here": without_ray,
}


@contextmanager
def _closing(cluster: Cluster) -> Iterator[Cluster]:
    try:
        yield cluster
    finally:
        cluster.close()


@contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """Make a folder that is a file system of its own, if this user may mount one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        print("no file system can be mounted: no full disk", file=sys.stderr, flush=True)
        yield False
        return
    try:
        yield True
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _without_overrides() -> list[str] | None:
    """Words before a command that make it bound by files' modes; None if there are no such words here."""
    if os.geteuid() != 0:
        return []
    words = ["setpriv", f"--bounding-set={OVERRIDES}"]
    if shutil.which("setpriv") is None or subprocess.run([*words, "true"], check=False).returncode != 0:
        print("root cannot be bound by files' modes: no read-only home", file=sys.stderr, flush=True)
        return None
    return words
