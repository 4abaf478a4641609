"""The challenge's validation set under its tokenizers: what it holds, and which tokenizer a log's numbers show."""

from jobs.logs import Log, Score, agree
from sweeps.contests.catalog import default_contest
from sweeps.contests.contest import PublicSetTable

CASEOPS = "sp8192_caseops"
SAME_UNIT = 0.002
"""Share by which bits per byte of a nat may differ on one set, by rounding; those of two sets differ by an eighth."""
BYTES_OFF = 0.035
"""Share from which a byte count is wrong: the smallest known mistake, byte fallback counted as 3 bytes, is 4.1 %."""
SETS = default_contest().sets
"""By the name of the data set. CaseOps sets were made by participants, some from documents that the validation set has,
too; the challenge's own sets were split by document when they were published."""


def find_named_set(log: Log) -> str | None:
    """The set that a log's data set is named after, or its tokenizer; CaseOps sets have several names."""
    name = (log.data or "").lower()
    full_name = name or (log.tokenizer or "").lower()
    if "caseops" in full_name:
        return CASEOPS if "8192" in full_name else None
    return name if name in SETS else None


def find_set(log: Log, score: Score | None) -> str | None:
    """The set that a log scored: as its data set is named, unless its score has the unit of the CaseOps set.

    Of a log that names neither data set nor tokenizer, the only set whose unit its score has.
    """
    named = find_named_set(log)
    if not log.data and not log.tokenizer and score is not None:
        alike = [name for name, known in SETS.items() if _has_unit(score, known)]
        return alike[0] if len(alike) == 1 else None
    return CASEOPS if named == "sp8192" and score is not None and _has_unit(score, SETS[CASEOPS]) else named


def count_more_bytes(score: Score, known: PublicSetTable) -> float | None:
    """Share by which a score counts more bytes than a set has; None without a loss of its own."""
    if not score.loss or not score.bpb or agree(score.loss, score.bpb):
        return None
    return known.bpb_per_nat * float(score.loss / score.bpb) - 1


def _has_unit(score: Score, known: PublicSetTable) -> bool:
    more = count_more_bytes(score, known)
    return more is not None and abs(more) <= SAME_UNIT
