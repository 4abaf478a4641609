"""A contest entry: a whole run, packed into one self-contained script."""
