"""Prove a score: compress documents with its own predictions and decompress them again."""
