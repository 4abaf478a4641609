"""The service: a team's sweeps and leaderboard over HTTP. It reads the database and runs nothing."""
