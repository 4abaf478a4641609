"""Whether a folder belongs to this challenge at all, or to another contest whose logs look much like its own."""

from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record

SHORT_TRAINING = 300.0
"""Seconds between the trainings of modded-nanogpt's tracks: track 1 takes about 75 s, track 3 about 15 minutes."""


def check_contest(record: Record) -> CheckResults:
    """Find a folder whose logs validate in nats per token alone; this challenge's scripts print bits per byte."""
    logs = [run.log for run in record.runs]
    if record.claims.headline is not None or any(log.scores or log.prints_bpb for log in logs):
        return
    if not any(log.prints_loss_alone for log in logs):
        return
    seconds = max((log.train_seconds for log in logs if log.train_seconds is not None), default=None)
    track = "one of its tracks"
    if seconds is not None and seconds > SHORT_TRAINING:
        track = f"track 3, fewest steps to a loss of 3.28 (trainings of {seconds:.0f} s)"
    elif seconds is not None:
        track = f"track 1, least time to a loss of 3.28 (trainings of {seconds:.0f} s)"
    yield (
        "other-contest",
        "not a record of this challenge: its logs give val_loss without val_bpb; it looks like modded-nanogpt, "
        f"{track}; nothing else was judged",
    )
