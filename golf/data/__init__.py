"""Data: token shards, documents, the UTF-8 bytes of every token, and the bundled corpus."""
