"""Slow, plain twins that the fast code is held against."""
