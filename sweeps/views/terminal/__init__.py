"""Terminal output: tables, progress, comparisons and plans."""
