"""Where notices may go: to public addresses over TLS, so that nobody has the service knock at doors inside its network.

The name is resolved once, every address it has is checked, and the connection goes to a checked address: a name that
means another host a moment later changes nothing (OWASP, Server-Side Request Forgery).
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

from jobs.store.notices.webhooks import describe_url

PORTS = {"http": 80, "https": 443}
_EMBEDDING = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "::/96")))
"""Ranges whose addresses stand for IPv4 addresses, public or not (NAT64, 6to4, Teredo, IPv4-compatible)."""


class NotAllowed(ValueError):
    """Nothing may be sent there; the message says why, without the address's secret part."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """An address that was checked."""

    host: str
    port: int
    target: str
    """Path and query."""
    address: str
    """To which the connection goes."""
    is_secure: bool

    def connect(self, seconds: float) -> http.client.HTTPConnection:
        """A connection to the checked address; it is opened by its first request."""
        if self.is_secure:
            return _SecureConnection(self, seconds)
        return _PlainConnection(self, seconds)


def check_destination(url: str, *, private: bool) -> Destination:
    """Resolve the host of an address, and check all that it resolves to.

    Args:
        url: of a webhook.
        private: whether plain HTTP and addresses that are not public are allowed.

    Raises:
        NotAllowed: nothing may be sent there.
        OSError: the host is not known now.
    """
    parts, shown = urlsplit(url), describe_url(url)
    if parts.scheme != "https" and not private:
        raise NotAllowed(
            f"{shown}: not sent without TLS; expected https://, or start the service with --private-webhooks"
        )
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in resolved))
    if not private and not are_public(addresses):
        raise NotAllowed(
            f"{shown}: its address is not public; expected a host of the internet, or start the service with "
            "--private-webhooks"
        )
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    return Destination(host=host, port=port, target=target, address=addresses[0], is_secure=parts.scheme == "https")


def are_public(addresses: Sequence[str]) -> bool:
    """Whether all of these addresses, of which there is one at least, are of the public internet."""
    return bool(addresses) and all(map(_is_public, addresses))


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    embeds = isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _EMBEDDING)
    return address.is_global and not address.is_multicast and not embeds


class _PlainConnection(http.client.HTTPConnection):
    def __init__(self, destination: Destination, seconds: float) -> None:
        super().__init__(destination.host, destination.port, timeout=seconds)
        self._destination = destination

    def connect(self) -> None:
        self.sock = socket.create_connection((self._destination.address, self._destination.port), self.timeout)


class _SecureConnection(_PlainConnection):
    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        super().connect()
        self.sock = _context().wrap_socket(self.sock, server_hostname=self._destination.host)


@cache
def _context() -> ssl.SSLContext:
    return ssl.create_default_context()
