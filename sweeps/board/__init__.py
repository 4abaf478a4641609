"""Leaderboard entries: rules, verdicts, ranking and comparison."""
