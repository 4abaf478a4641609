"""Text to tokens: shards, documents, the bytes of every token, and the bundled corpus."""
