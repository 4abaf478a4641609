"""Entries of a leaderboard as lines of a terminal."""
