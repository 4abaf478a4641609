"""Challenges: a claim of the leaderboard is replicated on fresh seeds until it stands or falls."""
