"""Secrets that are shown once: an id that is stored, and a secret half of which the database has a digest alone."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from golf.errors import InputError, shown_name

SECRET_BYTES = 32
"""256 random bits need no salt and no slow digest: there is no dictionary to try."""
USE_SECONDS = 60.0
"""A last use is written down at most so often: reading must not become writing."""


class HasId(Protocol):
    """A record that people call by the beginning of its id."""

    @property
    def id(self) -> str:
        """Short, and unique among its kind."""


Named = TypeVar("Named", bound=HasId)


@dataclass(frozen=True, slots=True)
class ShownSecret:
    """A secret just made."""

    id: str
    text: str
    """Shown this once."""
    digest: str
    """Stored."""


def make_secret(prefix: str) -> ShownSecret:
    """A new one; scanners for leaked secrets know it by its prefix."""
    name, secret = secrets.token_hex(4), secrets.token_urlsafe(SECRET_BYTES)
    return ShownSecret(name, f"{prefix}_{name}_{secret}", _digest(secret))


def split_secret(prefix: str, text: str) -> tuple[str, str] | None:
    """The id and the secret half of what somebody shows; None where it has another form."""
    start, _, rest = text.partition("_")
    name, _, secret = rest.partition("_")
    is_name = name.isascii() and name.isalnum()  # what is asked of the database
    return (name, secret) if start == prefix and is_name and secret else None


def has_digest(secret: str, digest: str | None) -> bool:
    """Whether a secret is the one of a digest, in a time that says nothing; None, of no such id, takes as long."""
    return hmac.compare_digest(_digest(secret), digest or "")


def find_by_id(known: Iterable[Named], name: str, what: str, listing: str) -> Named:
    """The one of several records whose id begins so.

    Args:
        known: all there are.
        name: the beginning of an id, as a person types it.
        what: one of them is called, e.g. token.
        listing: the command that shows their ids.

    Raises:
        InputError: none, or more than one, has an id that begins so.
    """
    meant = [record for record in known if record.id.startswith(name)]
    if len(meant) == 1 and name:
        return meant[0]
    problem = f"several {what}s begin so" if meant else f"no {what} begins so"
    raise InputError(f"{shown_name(name)}: {problem}; {listing} shows their ids")


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
