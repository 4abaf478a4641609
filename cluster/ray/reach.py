"""Whether a server can still be reached: an open connection tells at once when the process at its other end is gone."""

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from golf.threads import BackgroundThread

PATIENCE_SECONDS = 10.0
"""How long a server of a cluster may be away: a network may stutter, but a gang without its driver must end soon."""
ANSWER_SECONDS = 1.0
LOOK_SECONDS, PAUSE_SECONDS = 0.2, 0.1
"""Between two looks whether to end; before a connection is tried again."""
KEEPALIVE_SECONDS = 5
"""After so long without a packet the kernel asks the other end, so that a machine without power is noticed as well."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens."""

    host: str
    port: int

    @classmethod
    def parse(cls, address: str) -> "Endpoint":
        """Read HOST:PORT; ValueError if it is something else."""
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("expected HOST:PORT")
        return cls(host.strip("[]"), int(port))

    def connect(self, seconds: float) -> socket.socket:
        """Open a connection; OSError if nobody answers within some seconds."""
        return socket.create_connection((self.host, self.port), seconds)


class ReachWatch:
    """Keeps a connection to each of some servers, in a thread; `lost` says which of them is gone.

    A server that closes an idle connection is connected to anew. It is gone once that has failed for `patience`
    seconds.
    """

    def __init__(
        self, endpoints: Mapping[str, Endpoint], patience: float, when_lost: Callable[[], None] = lambda: None
    ) -> None:
        """Begin to watch.

        Args:
            endpoints: servers by the name that people know them by.
            patience: seconds.
            when_lost: called once, in the thread.
        """
        self.lost: str | None = None
        """What is gone, in words; None while everything can be reached."""
        self._endpoints, self._patience, self._when_lost = endpoints, patience, when_lost
        self._open: dict[str, socket.socket] = {}
        self._away_since: dict[str, float] = {}
        self._end = threading.Event()
        self._thread = BackgroundThread("reach watch", self._run)
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            while not self._end.is_set() and self.lost is None:
                for name in self._endpoints.keys() - self._open.keys():
                    self._connect(name, selector)
                if self._open.keys() != self._endpoints.keys():
                    self._end.wait(PAUSE_SECONDS)
                for key, _ in selector.select(LOOK_SECONDS if self._open else 0):
                    self._read(key.data, selector)
        for connection in self._open.values():
            connection.close()
        if self.lost is not None:
            self._when_lost()

    def _connect(self, name: str, selector: selectors.BaseSelector) -> None:
        endpoint = self._endpoints[name]
        try:
            connection = endpoint.connect(ANSWER_SECONDS)
        except OSError as error:
            since = self._away_since.setdefault(name, time.monotonic())
            if time.monotonic() - since >= self._patience:
                reason = error.strerror or "no answer"
                self.lost = f"its {name} at {endpoint.host}:{endpoint.port} is gone: {reason.lower()}"
            return
        self._away_since.pop(name, None)
        with contextlib.suppress(AttributeError, OSError):  # not every system has each of these options
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_SECONDS)
        self._open[name] = connection
        selector.register(connection, selectors.EVENT_READ, name)

    def _read(self, name: str, selector: selectors.BaseSelector) -> None:
        """Drop what a server says; forget the connection that it has closed."""
        connection = self._open[name]
        try:
            if connection.recv(2**12):
                return
        except OSError:
            pass
        selector.unregister(connection)
        connection.close()
        del self._open[name]
        self._end.wait(PAUSE_SECONDS)  # some servers close every connection at once
