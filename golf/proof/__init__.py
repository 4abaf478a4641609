"""Prove a score: compress documents with its predictions, decompress them, and compare size and content."""
