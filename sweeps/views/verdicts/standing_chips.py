"""The parts of the verdict on an entry of a contest with a target, from what its rules say."""

from statistics import NormalDist

from sweeps.board.ledger import correct_p
from sweeps.contests.contest import Contest
from sweeps.standings.findings import BREACHES, REMARKS
from sweeps.views.ranking.standing_facts import StandingRow, describe_gpus, describe_score, describe_test, measure_of
from sweeps.views.verdicts.chip import Chip, Rating
from sweeps.views.verdicts.flags import describe_flags
from sweeps.views.wording import format_near, format_p

MOST_CODES = 2
"""Findings that a chip names."""


def judge_standing(row: StandingRow, contest: Contest) -> tuple[Chip, ...]:
    """What is to be said of one entry."""
    if row["track"] == "flagged":
        flagged = Chip(title="Legal", standing=Rating.BAD, word="FLAGGED", detail=describe_flags(row["findings"]))
        return (flagged, _judge_limits(row, contest))
    caution = _judge_caution(row, contest)
    unverified = Chip(
        title="Legal",
        standing=Rating.UNKNOWN,
        word="UNVERIFIED",
        detail="judged by its logs; no audit reads a training script",
    )
    cautions = () if caution is None else (caution,)
    return (
        _judge_record(row, contest),
        _judge_target(row, contest),
        *cautions,
        unverified,
        _judge_limits(row, contest),
    )


def holds_corrected(row: StandingRow, contest: Contest) -> bool:
    """Whether the claim against the record also holds for the best of all trials; an entry of no search has none."""
    p, rule = _correct(row), contest.improvement
    if p is None or rule is None:
        return True
    if rule.level is not None:
        return p < rule.level
    assert rule.sigma is not None and rule.threshold is not None
    return p <= NormalDist().cdf(-float(rule.threshold / rule.sigma))  # p of a statistic at the threshold


def _correct(row: StandingRow) -> float | None:
    if not row["trials"] or row["improvement"] is None:
        return None
    return correct_p(row["improvement"]["p_value"], row["trials"])


def _judge_record(row: StandingRow, contest: Contest) -> Chip:
    if row["incumbent"] is None:
        detail = "no earlier entry or record to beat"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="NOTHING TO BEAT", detail=detail)
    improvement = row["improvement"]
    if improvement is None:
        why = "it must reach the target first" if row["rule"]["passed"] is False else "too few runs for the rule"
        return Chip(title="Record", standing=Rating.UNKNOWN, word="UNDECIDED", detail=why)
    shown = row["verdict"] == "better"
    standing = Rating.BAD if row["verdict"] == "worse" else Rating.WARN
    if shown and holds_corrected(row, contest):
        standing = Rating.GOOD
    return Chip(
        title="Record", standing=standing, word="SHOWN" if shown else "NOT SHOWN", detail=describe_test(improvement)
    )


def _judge_target(row: StandingRow, contest: Contest) -> Chip:
    """Whether the mean of its runs reaches the target."""
    words = {
        True: (Rating.GOOD, "REACHED"),
        False: (Rating.BAD, "NOT REACHED"),
        None: (Rating.UNKNOWN, "UNDECIDED"),
    }
    standing, word = words[row["rule"]["passed"]]
    mean = f"{describe_score(row)} over {measure_of(contest).count_runs(row['n'])}, for {contest.rule.target}"
    test = f"p = {format_p(row['rule']['p_value'])}" if row["rule"]["passed"] else describe_test(row["rule"])
    return Chip(title="Target", standing=standing, word=word, detail=f"{mean}; {test}")


def _judge_caution(row: StandingRow, contest: Contest) -> Chip | None:
    """What makes an entry look better than it is."""
    if row["n"] == 1:
        return Chip(title="Caution", standing=Rating.WARN, word="ONE RUN", detail="its spread is not known")
    if row["trials"] > 1:
        p = _correct(row)
        detail = "its best tuning score is no result" if p is None else f"p = {format_p(p)} over all of them"
        standing = Rating.GOOD if holds_corrected(row, contest) and row["verdict"] == "better" else Rating.WARN
        return Chip(title="Caution", standing=standing, word=f"BEST OF {row['trials']}", detail=detail)
    said = BREACHES | REMARKS | {"not-significant"}
    found = dict.fromkeys(finding["code"] for finding in row["findings"])
    codes = [code.replace("-", " ") for code in found if code not in said]
    if codes:
        more = [f"{len(codes) - MOST_CODES} more"] if len(codes) > MOST_CODES else []
        detail = "; ".join([*codes[:MOST_CODES], *more])
        return Chip(title="Caution", standing=Rating.WARN, word="CLAIMS AND LOGS DIFFER", detail=detail)
    return None


def _judge_limits(row: StandingRow, contest: Contest) -> Chip:
    """The slowest run against the limit of seconds, where there is one, and whether it ran on the contest's GPUs."""
    gpus, wanted = describe_gpus(row), contest.machine.gpu
    ran = f"ran on {gpus}" if gpus else "its GPUs are not known"
    others = wanted is not None and any(wanted not in (run["gpu"] or "") for run in row["runs"].values())
    if others:
        ran += f", not on the contest's {wanted}"
    limit = contest.limits.seconds
    if limit is None:
        standing = Rating.WARN if others else Rating.UNKNOWN
        return Chip(title="Fits", standing=standing, word="NO LIMITS IN THIS CONTEST", detail=ran)
    seconds = [run["seconds"] for run in row["runs"].values() if run["seconds"] is not None]
    if not seconds:
        return Chip(title="Fits", standing=Rating.UNKNOWN, word="UNKNOWN", detail=f"no log has a clock; {ran}")
    used = f"{format_near(max(seconds), limit, 1)} of {limit:g} s (slowest run); {ran}"
    if max(seconds) > limit + contest.limits.last_step_seconds:
        return Chip(title="Fits", standing=Rating.BAD, word="NO", detail=used)
    word, standing = ("AS FAR AS KNOWN", Rating.UNKNOWN) if others else ("YES", Rating.GOOD)
    return Chip(title="Fits", standing=standing, word=word, detail=used)
