"""The process that talks to Ray for ours: whatever becomes of Ray, and of Ray's code in a process, ours goes on.

Ray ends a process that has lost its cluster, prints there what it likes, and waits without limit. So only a child
process loads Ray. This process sends it calls, waits for each no longer than a limit, and watches the servers that Ray
consists of.
"""

import atexit
import multiprocessing
import os
import signal
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from cluster.executor import Unplaceable
from cluster.executors.processes import deaf_to
from cluster.ray.folders import RayFolder
from cluster.ray.reach import PATIENCE_SECONDS, Endpoint, ReachWatch
from golf.errors import InputError
from golf.processes import end_with_parent
from jobs.errors import Unavailable

START_SECONDS = 120.0
"""Time to load and start Ray, or to join a cluster."""
CALL_SECONDS = 150.0
"""Time for any other call; the first look at the nodes, which import torch, takes the longest."""
CLOSE_SECONDS = 60.0
OWN_PATIENCE_SECONDS = 1.0
"""How long a server of a Ray on this machine may be away: no network is in between."""
LOOK_SECONDS = 0.5
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_PASSED_ON = (InputError, Unavailable, Unplaceable)
"""Errors that mean the same on this side of the pipe."""


class RayLost(RuntimeError):
    """Ray, or the process that talks to it, is gone or does not answer; the message says which."""


class HostEnded(RayLost):
    """The process that talks to Ray has ended by itself, or was killed; Ray may live."""


class RayOrigin(Protocol):
    """Where a Ray comes from. Ray is loaded by `enter` alone, in the process that talks to it."""

    @property
    def is_own(self) -> bool:
        """Whether this Ray ends with us."""
        ...

    def enter(self, folder: Path) -> None:
        """Start or join it; its files, if any, go into the folder."""
        ...


@dataclass(frozen=True, slots=True)
class OwnRay:
    """A Ray on this machine with some slots, which ends with us."""

    slots: int
    is_own = True

    def enter(self, folder: Path) -> None:
        from cluster.ray.cluster import start_local

        start_local(self.slots, folder)


@dataclass(frozen=True, slots=True)
class RunningRay:
    """A Ray cluster that is running already."""

    address: str
    is_own = False

    def enter(self, folder: Path) -> None:
        from cluster.ray.cluster import join

        join(self.address)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Entered:
    """What the child reports once it has started or joined Ray."""

    cluster: str
    endpoints: dict[str, Endpoint]


class RayHost:
    """One such process, from start to end. Only one thread may call; the process ends with that thread."""

    def __init__(self, origin: RayOrigin) -> None:
        """Start it, and with it Ray.

        Raises:
            RayLost: Ray does not start, or not in time.
            InputError, Unavailable: as `cluster.ray.cluster.join` does.
        """
        self._origin, self._number = origin, 0
        self._watch: ReachWatch | None = None
        self._folder = RayFolder()
        context = multiprocessing.get_context("spawn")
        self._pipe, self._process = _spawn(context, origin, self._folder)
        atexit.register(self._process.kill)  # it ignores the signal that multiprocessing would send, then wait for
        try:
            entered: _Entered = self._receive(START_SECONDS)
        except BaseException as error:
            self.kill(remove=not isinstance(error, RayLost))
            raise
        self.cluster = entered.cluster
        patience = OWN_PATIENCE_SECONDS if origin.is_own else PATIENCE_SECONDS
        self._watch = ReachWatch(entered.endpoints, patience)

    def call(self, method: str, *arguments: Any, limit: float = CALL_SECONDS) -> Any:
        """Call a method of the child's executor.

        Raises:
            RayLost: Ray is gone, or there is no answer within `limit` seconds.
        """
        self._number += 1
        try:
            self._pipe.send((self._number, method, arguments))
        except OSError:
            raise self._epitaph() from None
        return self._receive(limit)

    def close(self) -> None:
        """End everything that was started there, then the process; a Ray of our own ends with it."""
        well = False
        try:
            self.call("close", limit=CLOSE_SECONDS)
            self._process.join(CLOSE_SECONDS)
            well = self._process.exitcode == 0
        except RayLost:
            pass
        finally:
            self.kill(remove=well)

    def kill(self, *, remove: bool = False) -> None:
        """End the process at once, with every process of a Ray of our own."""
        if self._watch is not None:
            self._watch.close()
        self._process.kill()
        self._process.join()
        atexit.unregister(self._process.kill)
        self._pipe.close()
        self._folder.end_processes()
        self._folder.release(remove=remove)

    def _receive(self, limit: float) -> Any:
        """The answer to the last call; an answer to an earlier one, whose wait was interrupted, is dropped."""
        until = time.monotonic() + limit
        while time.monotonic() < until:
            if self._watch is not None and self._watch.lost is not None:
                raise RayLost(self._watch.lost)
            if not wait([self._pipe, self._process.sentinel], LOOK_SECONDS):
                continue
            try:
                if not self._pipe.poll():
                    raise EOFError
                number, error, value = self._pipe.recv()
            except (EOFError, OSError):
                raise self._epitaph() from None
            if number == self._number:
                if error is not None:
                    raise error
                return value
        raise RayLost(f"it gave no answer for {limit:.0f} s")

    def _epitaph(self) -> HostEnded:
        """How the process has ended."""
        self._process.join(LOOK_SECONDS)
        code = self._process.exitcode
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return HostEnded(f"the process that talks to it ended ({how})")


def _spawn(context: SpawnContext, origin: RayOrigin, folder: RayFolder) -> tuple[Connection, BaseProcess]:
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, origin, folder.path, folder.log, os.getpid()), daemon=True)
    # Ctrl-C reaches every process of a terminal: it must not hit this one before it has a handler.
    with deaf_to(*_SIGNALS):
        process.start()
    theirs.close()
    return ours, process


def _serve(pipe: Connection, origin: RayOrigin, folder: Path, log: Path, parent: int) -> None:
    """Start or join Ray, then answer calls until the executor is closed or the parent is gone."""
    end_with_parent()
    if os.getppid() != parent:  # it ended while this process began
        return
    _print_into(log)
    for number in _SIGNALS:  # they are the parent's to handle; what we start inherits no handler
        signal.signal(number, _ignore)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    try:
        origin.enter(folder)
        from cluster.ray import cluster, survey
        from cluster.ray.executor import RayExecutor

        executor = RayExecutor(cluster.identity())
        entered = _Entered(cluster=cluster.identity(), endpoints=cluster.endpoints())
    except Exception as error:
        pipe.send((0, _as_answer(error), None))
        return
    pipe.send((0, None, entered))
    methods = {name: getattr(executor, name) for name in ("nodes", "start", "poll", "cancel", "close")}
    methods |= {"survey": survey.survey, "interpreters": survey.interpreters}
    method = ""
    while method != "close":
        try:
            number, method, arguments = pipe.recv()
        except EOFError:
            break
        try:
            pipe.send((number, None, methods[method](*arguments)))
        except Exception as error:
            pipe.send((number, _as_answer(error), None))
    cluster.leave()


def _print_into(log: Path) -> None:
    """Have this process print into a file, C++ code included."""
    file = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    for descriptor in (1, 2):
        os.dup2(file, descriptor)
    os.close(file)


def _ignore(*_: object) -> None:
    """A handler that does nothing."""


def _as_answer(error: Exception) -> Exception:
    """An error as the parent gets it, which need not know Ray's."""
    if isinstance(error, _PASSED_ON):
        return error
    traceback.print_exc()
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
    return RayLost(f"{type(error).__name__}: {first}")
