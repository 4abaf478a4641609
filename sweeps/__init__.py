"""What to run next and what it means: sweep files, search, statistics, leaderboard, report and command line."""
