"""Limits of the Parameter Golf challenge that the computation itself has to respect."""

LIMIT_BYTES = 16_000_000
"""Bytes of artifact and code together that the challenge allows (its README)."""
