"""The audit of a script's own scorer: what it says of a row, and how that is checked."""
