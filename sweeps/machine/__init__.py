"""One machine or node: check it, measure it, and work on it without a sweep."""
