"""What a leaderboard entry is built from, and how, for each kind of sweep."""
