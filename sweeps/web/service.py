"""What a running service works on, and whom it answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.workplace import Workplace

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Addresses that only this machine reaches."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Service:
    """A home that is served, and under which names."""

    place: Workplace
    host: str
    port: int
    names: Sequence[str] = ()
    """Further host names that requests may be for, e.g. that of the proxy before it."""
    public: bool = False
    """Whether anybody may read without a token; nobody may write without one."""
    requests_per_minute: int = 1200
    """Of one token, or of one address without a token."""
    work_requests_per_minute: int = 12_000
    """The same for requests of the store and of contents: a scheduler sends many small ones."""
    max_body_bytes: int = 4 * 2**20
    """Of a request; a larger one is refused before it is read."""
    max_content_bytes: int = 2 * 2**30
    """Of a content that is uploaded in parts."""

    share_requests_per_minute: int = 120
    """Of one address, for pages that links show without a token."""
    logs_requests: bool = False
    """Whether each request leaves a line and is measured."""

    @property
    def base_url(self) -> str:
        """Its own address in links: of a proxy with TLS where it has further names, else the one it listens at."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"https://{self.names[0]}" if self.names else f"http://{host}:{self.port}"

    @property
    def hosts(self) -> list[str]:
        """Values of a request's Host header that are answered: against pages that have their name resolve to us."""
        own = [*LOOPBACK, "[::1]"] if self.is_local else [self.host]
        return [*own, *self.names]

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches it."""
        return self.host in LOOPBACK
