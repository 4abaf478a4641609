"""A contest entry as one self-contained script."""
