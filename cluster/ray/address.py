"""An address of a Ray cluster: its forms, and whether anything listens there."""

import socket
import time
from dataclasses import dataclass
from typing import Any

from golf.errors import InputError
from golf.threads import BackgroundThread
from jobs.errors import Unavailable
from jobs.secrets import hide_password

HEAD_PORT = 6379
"""Where a head listens unless `ray start --head --port` names another port."""
DASHBOARD_PORT = 8265
RESOLVE_SECONDS = 4.0
CONNECT_SECONDS = 4.0
_NO_SUCH_NAME = (socket.EAI_NONAME, socket.EAI_NODATA)


@dataclass(frozen=True, slots=True)
class Address:
    """A host and a port, and the option that named them."""

    host: str
    port: int
    option: str
    """What the user gave, as errors quote it."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_head(address: str) -> Address:
    """The address of a cluster's head, HOST:PORT.

    Raises:
        InputError: it has another form; the message says which is expected.
    """
    option = f"--ray {hide_password(address)}"
    scheme, separator, rest = address.partition("://")
    if not separator:
        expected = f'expected HOST:PORT, as "ray start --head" prints it, e.g. 10.0.0.1:{HEAD_PORT}'
        return parse_host(address, option, expected)
    host = rest.rpartition("@")[2].partition("/")[0].rpartition(":")[0] or "HOST"
    meant = f"expected the head's own address, e.g. {host}:{HEAD_PORT}"
    if scheme == "ray":
        raise InputError(f"{option}: a Ray client's address, through which no sweep can run; {meant}")
    if scheme in ("http", "https"):
        raise InputError(f"{option}: the address of a dashboard, to which only golfsweep submit connects; {meant}")
    raise InputError(f"{option}: not the address of a Ray cluster; {meant}")


def parse_host(text: str, option: str, expected: str) -> Address:
    """A host and its port.

    Raises:
        InputError: it is neither; `expected` says what would be right.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    is_port = port.isascii() and port.isdigit() and 0 < int(port) < 65536
    if not host or not is_port or any(mark.isspace() or mark in "/@?#," for mark in host):
        raise InputError(f"{option}: not an address; {expected}")
    return Address(host, int(port), option)


def require_listener(address: Address) -> None:
    """Make sure that something listens at an address; takes at most 8 s.

    Raises:
        InputError: no machine has that name.
        Unavailable: nothing answers there now.
    """
    until = time.monotonic() + CONNECT_SECONDS
    reason = "no address"
    for family, kind, protocol, _, place in _resolve(address):
        try:
            with socket.socket(family, kind, protocol) as connection:
                connection.settimeout(max(0.5, until - time.monotonic()))
                connection.connect(place)
                return
        except OSError as error:
            reason = error.strerror or f"no answer within {CONNECT_SECONDS:.0f} s"
    where = "" if address.option.endswith(str(address)) else f"{address} "
    raise Unavailable(f"{address.option}: {where}cannot be reached ({reason})")


def _resolve(address: Address) -> list[Any]:
    """Where a host is; asks in a thread, because a name server that does not answer blocks for half a minute."""
    answers: list[Any] = []

    def resolve() -> None:
        try:
            answers.append(socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answers.append(error)

    thread = BackgroundThread("name look-up", resolve)
    thread.start()
    thread.join(RESOLVE_SECONDS)
    places = answers[0] if answers else None
    if places is None or getattr(places, "errno", None) == socket.EAI_AGAIN:
        raise Unavailable(f"{address.option}: the name server does not answer for {address.host}")
    if isinstance(places, UnicodeError) or getattr(places, "errno", None) in _NO_SUCH_NAME:
        raise InputError(f"{address.option}: no machine is named {address.host}; expected a host name or an IP address")
    if isinstance(places, OSError):
        raise Unavailable(f"{address.option}: {address.host} cannot be looked up ({places.strerror})")
    return list(places)
