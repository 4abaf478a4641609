"""Limits of the Parameter Golf challenge that the computation must respect."""

LIMIT_BYTES = 16_000_000
"""Most bytes of artifact and code together (the challenge's README)."""
