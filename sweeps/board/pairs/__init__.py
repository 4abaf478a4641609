"""Two entries, or a family of them: differences, tests, pooled variance, and the seeds that a claim still needs."""
