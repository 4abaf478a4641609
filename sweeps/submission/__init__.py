"""Submission folders, and proofs that a stranger can check."""
