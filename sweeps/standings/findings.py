"""What an entry of a contest breaks, or claims and does not support.

Every finding has a permanent code and one line with the measured values. It says what the files say, never what
somebody meant. To add a check: write a function from a `ContestRecord` to `CheckResults`, add it to `CHECKS`, and its
code to `BREACHES` if the rules forbid it, or to `REMARKS` if it is no objection at all.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from jobs.logs import agree, decimals
from sweeps.board.rules import EVIDENCE_CODE, RuleFinding, Track
from sweeps.records.arithmetic import format_decimal, mean
from sweeps.records.judging.measures import CheckResults
from sweeps.records.reading.files import printable
from sweeps.standings.record import ContestRecord, is_mean_of
from sweeps.standings.rules import apply_rule

BREACHES = frozenset({EVIDENCE_CODE, "other-metric", "time"})
"""Codes of breaches of a contest's rules; they flag an entry."""
REMARKS = frozenset({"duplicate-log", "unread", "mixed-machines", "other-gpu", "untested", "same-name"})
"""Codes of what a reader should know and what is no objection."""
_MODEL = re.compile(r"\b[A-Z]{1,3}\d{1,4}[A-Z]?\b", re.ASCII)
"""The model in a GPU's name: two names with one model, such as H100 NVL and H100 80GB HBM3, are boards of one chip."""
FEW_DIGITS = 5
"""Digits after the point of a mean in a finding."""


def check_files(record: ContestRecord) -> CheckResults:
    """Find missing, unreadable, copied and ambiguous logs."""
    if not record.folder.runs:
        yield "missing-logs", "no training log: nothing could be measured"
    for oddity in record.folder.oddities:
        yield "unread", oddity
    for path, original in record.folder.copies:
        yield "duplicate-log", f"{path} is a copy of {original}, byte for byte; counted once"
    foreign = [run.path for run in record.folder.runs if run.log.foreign]
    if foreign:
        yield "other-contest", f"not of {record.contest.name}, by the scores that they print: {', '.join(foreign)}"
    for run in record.folder.runs:
        if run.log.trainings > 1:
            yield "ambiguous-log", f"{run.path} holds {run.log.trainings} trainings without saying which one counts"
    if record.contest.replicates.seeds:
        yield from _check_seeds(record)


def check_count(record: ContestRecord) -> CheckResults:
    """Find another number of runs than is claimed, and runs on different machines."""
    claim, groups = record.folder.claim, list(record.by_gpu())
    measured = {
        name: [run.log.validations[record.step] for run in runs] for name, runs in groups if record.step is not None
    }
    shares = "; ".join(
        f"{len(validations)} on {name}"
        + (f" with a mean of {_show_mean([v.scores[record.metric] for v in validations])}" if len(groups) > 1 else "")
        for name, validations in measured.items()
    )
    if claim is not None and claim.n is not None and record.runs and claim.n != len(record.runs):
        yield "run-count", f"{claim.n} runs claimed, {len(record.runs)} have logs ({shares})"
    models = {match.group() if (match := _MODEL.search(name)) else name for name, _ in groups}
    if len(models) > 1:
        yield "mixed-machines", f"its runs are of different machines: {shares}"
    gpu = record.contest.machine.gpu
    others = [name for name, _ in groups if gpu is not None and gpu not in name]
    if others:
        yield "other-gpu", f"ran on {', '.join(others)}; the contest's machine has {gpu}"


def check_scores(record: ContestRecord) -> CheckResults:
    """Find a claimed step, mean or time that the logs do not give, and scores that do not count."""
    claim, step = record.folder.claim, record.step
    if claim is not None and claim.steps is not None and record.runs and claim.steps != step:
        having = sum(claim.steps in run.log.validations for run in record.runs)
        yield (
            "steps-differ",
            f"{claim.steps:,} steps claimed; {having} of {len(record.runs)} logs have a validation there",
        )
    if step is None:
        return
    own = record.contest.score.metric
    if record.metric != own:
        result = apply_rule(record.contest, scores := record.scores_at(step, own))
        yield (
            "other-metric",
            f"counts {record.metric}, not {own}, whose mean at step {step:,} is {_show_mean(scores)}, which "
            f"{'passes' if result.passed else 'does not pass'} the rule",
        )
    if claim is not None and claim.mean is not None and not is_mean_of(claim.mean, record.scores):
        digits = decimals(claim.mean)
        yield (
            "mean-differs",
            f"a mean of {claim.mean} claimed, the logs give {_show_mean(record.scores, digits)} "
            f"({record.metric} of {len(record.scores)} runs at step {step:,})",
        )
    seconds = [validation.seconds for validation in record.validations.values() if validation.seconds is not None]
    if claim is not None and claim.seconds is not None and seconds:
        measured = mean([Decimal(str(value)) for value in seconds])
        if not agree(claim.seconds, measured):
            yield "seconds-differ", f"{claim.seconds} s claimed, the logs give {measured:.3f} s"
    limit = record.contest.limits.seconds
    if limit is not None and seconds and max(seconds) > limit + record.contest.limits.last_step_seconds:
        yield "time", f"a training took {max(seconds):.3f} s, over {limit:g} s"


def check_rule(record: ContestRecord) -> CheckResults:
    """Find an entry that does not pass the rule, and one that is too small for it."""
    if not record.scores:
        return
    result, claim = apply_rule(record.contest, record.scores), record.folder.claim
    if result.passed is None:
        yield "untested", f"{len(record.scores)} run: the rule's test needs two"
    elif not result.passed:
        claimed = "significant as claimed; " if claim is not None and claim.significant else ""
        assert result.statistic is not None or result.p_value is not None
        shown = (
            f"(target − mean)·√n = {result.statistic:.5f}, below {result.threshold:g}"
            if result.test == "known-sigma"
            else f"p = {result.p_value:.4g}, not below {result.threshold:g}"
        )
        waived = record.contest.rule.waived_for
        unless = f"; waived for {waived}, which no log can show" if waived else ""
        size = f"mean {_show_mean(record.scores)} of {len(record.scores)} runs"
        yield "not-significant", f"{claimed}{shown} ({size}){unless}"


CHECKS: tuple[Callable[[ContestRecord], CheckResults], ...] = (check_scores, check_rule, check_count, check_files)


def judge_contest_record(record: ContestRecord) -> tuple[RuleFinding, ...]:
    """Find everything that an entry breaks, or claims and does not support, gravest kind first."""
    results = [result for check in CHECKS for result in check(record)]
    return tuple(RuleFinding(code=code, detail=printable(detail)) for code, detail in results)


def choose_contest_track(findings: Sequence[RuleFinding]) -> Track:
    """The track of an entry whose scorer nobody could audit."""
    return "flagged" if list_breaches(findings) else "unverified"


def list_breaches(findings: Sequence[RuleFinding]) -> list[str]:
    """Codes of the rules that an entry breaks, each once."""
    return list(dict.fromkeys(finding.code for finding in findings if finding.code in BREACHES))


def list_unsupported(findings: Sequence[RuleFinding]) -> list[str]:
    """Codes of claims that the files do not support, each once."""
    codes = (finding.code for finding in findings if finding.code not in BREACHES | REMARKS)
    return list(dict.fromkeys(codes))


def _check_seeds(record: ContestRecord) -> CheckResults:
    by_seed: dict[str | None, list[str]] = {}
    for run in record.folder.runs:
        by_seed.setdefault(run.log.seed, []).append(run.path)
    for seed, paths in by_seed.items():
        if seed is None:
            yield "seed-unknown", f"{', '.join(paths)}: no seed is printed"
        elif len(paths) > 1:
            yield "duplicate-seed", f"{len(paths)} logs of seed {seed} ({', '.join(paths)})"


def _show_mean(scores: Sequence[Decimal], digits: int = FEW_DIGITS) -> str:
    return format_decimal(mean(scores), digits) if scores else "unknown"
