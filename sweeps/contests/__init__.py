"""Contests, each as one file: `NAME.toml` here says what is ranked, by which rule, and which lines of a log give it."""
