"""Which entries to keep, discard or replicate: each with the step that settles it, and its price."""
