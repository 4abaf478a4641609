"""Requests to the service: who sends them, and what its answers, or their absence, mean."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from golf.errors import InputError
from jobs.errors import StoreUnavailable
from jobs.machine.host import identity
from jobs.remote.refusals import error_of
from jobs.secrets import hide_password, hide_passwords

if TYPE_CHECKING:
    import httpx2

PROCESS_HEADER = "Golfsweep-Process"
"""The process that calls: its number, a space, and the identity of its machine (`jobs.machine.host`)."""
API = "/api/v1"
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 60.0
KEPT_SECONDS = 3.0
"""For which an idle connection is used again: less than the 5 s after which uvicorn closes it."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
TOKEN_HINT = "put a good one into GOLFSWEEP_TOKEN; golfsweep token create, at the server, makes one"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a service is, and the token that is shown to it."""

    url: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        """Raises InputError if the URL is none, or the token cannot be sent."""
        shown = hide_password(self.url)
        try:
            parts = urlsplit(self.url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
        except ValueError:
            valid = False
        if not valid:
            raise InputError(f"--server {shown}: not a URL of a service; expected e.g. https://sweeps.example.org")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise InputError(
                f"--server {shown}: has a user, a query or a fragment; expected a plain URL, and the token in "
                "GOLFSWEEP_TOKEN"
            )
        if not (self.token.isascii() and self.token.isprintable() and " " not in self.token):
            raise InputError(f"token for {shown}: has characters that no token has; {TOKEN_HINT}")

    @property
    def is_readable_on_the_way(self) -> bool:
        """Whether others may read the token on its way: there is no TLS, and the way leaves this machine."""
        parts = urlsplit(self.url)
        return parts.scheme == "http" and parts.hostname not in LOOPBACK


class Connection:
    """Connections to one service, for all threads of this process; none is made before the first request."""

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._client: httpx2.Client | None = None

    @property
    def url(self) -> str:
        """The service's URL."""
        return self._address.url.rstrip("/")

    def send(
        self, method: str, path: str, content: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> "httpx2.Response":
        """Send a request and return its answer, whose status is below 400 or 416, or for HEAD 404.

        Args:
            method: of HTTP.
            path: below /api/v1.
            content: the body.
            headers: further ones.

        Raises:
            StoreUnavailable: no answer came, or one that says that a later request may succeed.
            InputError: the token does not do, or the address is not that of a service.
            Exception: what the service raised; see `jobs.remote.refusals`.
        """
        import httpx2

        try:
            answer = self._open().request(
                method, f"{self.url}{API}{path}", content=content, headers=dict(headers or {})
            )
        except httpx2.TransportError as error:
            reason = hide_passwords(" ".join(str(error).split())) or "no answer"
            raise StoreUnavailable(f"server {self.url}: {type(error).__name__}: {reason}") from None
        except httpx2.HTTPError as error:
            raise StoreUnavailable(f"server {self.url}: {type(error).__name__}") from None
        if answer.status_code < 300 or answer.status_code == 416 or (method == "HEAD" and answer.status_code == 404):
            return answer
        raise self._error(answer)

    def headers(self) -> dict[str, str]:
        """What every request says of its sender."""
        return {
            "Authorization": f"Bearer {self._address.token}",
            "User-Agent": f"golfsweep/{version('golfsweep')}",
            PROCESS_HEADER: f"{os.getpid()} {identity()}".encode("ascii", "replace").decode(),
        }

    def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _open(self) -> "httpx2.Client":
        import httpx2

        if self._client is None:
            self._client = httpx2.Client(
                headers=self.headers(),
                timeout=httpx2.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
                limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS),
                follow_redirects=False,  # the token is for this service alone
            )
        return self._client

    def _error(self, answer: "httpx2.Response") -> Exception:
        """What an answer that refuses means."""
        status, document = answer.status_code, _document(answer)
        detail = hide_passwords(str(document.get("detail", answer.reason_phrase)))
        where = f"server {self.url}"
        if status in (401, 403):
            return InputError(f"{where}: {detail}; {TOKEN_HINT}")
        if (error := error_of(document)) is not None:
            return error
        if status == 429 or status >= 500:
            return StoreUnavailable(f"{where}: {status}: {detail}")
        if 300 <= status < 400:
            target = hide_password(answer.headers.get("location", "elsewhere"))
            return InputError(f"{where}: it sends on to {target}; give the URL of the service itself")
        return InputError(
            f"{where}: {status}: {detail}; check that this is the URL of a golfsweep service, of the same version"
        )


def _document(answer: "httpx2.Response") -> Mapping[str, Any]:
    try:
        document = json.loads(answer.content)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
