"""Limits of the Parameter Golf challenge that the computation must respect, and of what files may claim."""

LIMIT_BYTES = 16_000_000
"""Most bytes of artifact and code together (the challenge's README)."""
MAX_DOCUMENTS = 2**24
"""Most documents of a stream or score table, which bounds the memory for them; the validation set has 50,000."""
