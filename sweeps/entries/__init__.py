"""The read model: leaderboard entries as the driving process wrote them.

Nothing here builds a driver, or imports torch, Ray or Optuna: reading commands and pages answer at once.
"""
