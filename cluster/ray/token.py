"""The token with which this process would join a Ray cluster, and where it comes from."""

import os
from dataclasses import dataclass
from pathlib import Path

from golf.errors import InputError

HOW_TO_SET = "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN_PATH to the file with the cluster's token"


@dataclass(frozen=True, slots=True)
class Token:
    """A cluster's token; errors show its source alone."""

    source: str
    value: str

    def headers(self) -> dict[str, str]:
        """What carries it, over gRPC and HTTP alike."""
        return {"authorization": f"Bearer {self.value}"}


def read_token() -> Token | None:
    """The token that Ray takes: RAY_AUTH_TOKEN, the file RAY_AUTH_TOKEN_PATH, or Ray's own file, in this order.

    None if there is none, or RAY_AUTH_MODE turns tokens off.

    Raises:
        InputError: a named file cannot be read, or RAY_AUTH_MODE demands a token and there is none.
    """
    mode = os.environ.get("RAY_AUTH_MODE")
    if mode is not None and mode.lower() != "token":
        return None
    if value := os.environ.get("RAY_AUTH_TOKEN", "").strip():
        return Token("RAY_AUTH_TOKEN", value)
    if path := os.environ.get("RAY_AUTH_TOKEN_PATH"):
        return Token(f"RAY_AUTH_TOKEN_PATH={path}", _read_named(path))
    own = Path.home() / ".ray" / "auth_token"
    try:
        value = own.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        value = ""
    if not value and mode is not None:
        raise InputError(f"RAY_AUTH_MODE=token: there is no token; {HOW_TO_SET}")
    return Token(str(own), value) if value else None


def _read_named(path: str) -> str:
    expected = "expected the file with the cluster's token"
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no text"
        raise InputError(f"RAY_AUTH_TOKEN_PATH={path}: cannot be read ({reason}); {expected}") from None
    if not value:
        raise InputError(f"RAY_AUTH_TOKEN_PATH={path}: is empty; {expected}")
    return value
