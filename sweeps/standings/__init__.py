"""Entries of contests in which the mean of several runs must reach a target: read, judged, ranked and compared.

files/      the files of a record: its logs, and what a table of results claims
record      the score and step that count for an entry
findings    where logs and claims disagree, and what breaks a rule
entry       an entry as the database keeps it
rules       the rule of a contest, and its rule against the current record
planning    the further runs that would show a claim
standing    an entry with what the rules say of it; an entry of the leaderboard
board       ranks, verdicts and the history of the record
pair        two entries side by side
review      the judgment on one record for a review thread
"""
