"""Signatures of generic messages: HMAC-SHA256 with the webhook's secret, over the time, a dot, and the body."""

import hashlib
import hmac
from collections.abc import Mapping

TIMESTAMP, SIGNATURE, NUMBER = "Golfsweep-Timestamp", "Golfsweep-Signature", "Golfsweep-Notice"
"""Headers. The time is part of what is signed, so that a receiver can refuse a message that somebody repeats later."""


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The signature of a body that is sent at a time in epoch seconds, in hexadecimal digits."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def signed_headers(secret: str, timestamp: int, number: int, body: bytes) -> Mapping[str, str]:
    """The headers of a signed message; `number` is that of the notice."""
    return {TIMESTAMP: str(timestamp), SIGNATURE: sign(secret, timestamp, body), NUMBER: str(number)}
