"""The files and seeds of a record: what is missing, copied, repeated, in doubt or left out."""

from decimal import Decimal

from jobs.logs import decimals
from sweeps.records.arithmetic import format_decimal, mean
from sweeps.records.judging.measures import CheckResults
from sweeps.records.record import Record
from sweeps.records.runs import find_named_seed

SAME_DIGITS = 6
"""With this many digits after the point no two seeds have one score: they differ by 0.0005 or more."""


def check_files(record: Record) -> CheckResults:
    """Find missing and unreadable files, and claims without a value."""
    if record.folder.submission is None:
        yield "missing-submission", "no readable submission.json: nothing is claimed, all numbers are the logs'"
    if not record.runs:
        yield "missing-logs", "no log: every number is as claimed, none could be checked"
    lacking = [seed for seed in record.claims.seeds if seed not in record.by_seed]
    if record.runs and lacking:
        yield "missing-logs", f"no log of seed {', '.join(lacking)}, which is claimed"
    for oddity in record.folder.oddities:
        yield "unread", oddity
    for path in record.folder.silent:
        if find_named_seed(path) is not None or path.lower().endswith((".log", ".out")):
            yield "unread", f"{path}: named as a log, but no line is from a training script"
    for place in record.folder.namesakes:
        yield (
            "same-name",
            f"{place} has the same name and was left out; rename one: an entry is named after its folder",
        )
    for name, value in record.claims.pending:
        yield "pending", f"{name} is {value}: no value"


def check_seeds(record: Record) -> CheckResults:
    """Find copied logs, repeated and unknown seeds, seeds with several logs, and seeds that were left out."""
    yield from _check_copies(record)
    yield from _check_claimed_seeds(record)
    yield from _check_printed_seeds(record)
    for seed, group in record.by_seed.items():
        if group[0].seed is None:
            stray = "; it may repeat a known seed, so it does not count" if seed in record.strays else ""
            why = "several seeds are printed" if group[0].log.seeds else "no seed is printed, and no single seed named"
            yield "seed-unknown", f"{group[0].path}: {why}{stray}"
        elif len(group) > 1:
            yield "duplicate-seed", _describe_duplicates(record, seed)
    for seed in record.unclaimed:
        paths = ", ".join(run.path for run in record.by_seed[seed])
        line = record.line_of(record.by_seed[seed][0])
        yield (
            "extra-log",
            f"{paths}: seed {seed} is not claimed, so it does not count ({line.bpb if line else 'no score'})",
        )
    yield from _check_same_scores(record)
    yield from _check_count(record)
    yield from _check_disclosed(record)


def _check_copies(record: Record) -> CheckResults:
    for path, original in record.copies:
        ours, theirs = find_named_seed(path), find_named_seed(original)
        copy = f"{path} is a copy of {original}, byte for byte"
        if None in (ours, theirs) or ours == theirs:
            yield "duplicate-log", f"{copy}; counted once"
        elif record.folder.logs[path].seeds:
            yield "copied-seed", f"{copy}: seed {ours} has no log of its own"
        else:
            yield "copied-seed", f"{copy}: its seed is unknown"


def _check_claimed_seeds(record: Record) -> CheckResults:
    scores = record.claims.scores
    for seed in record.claims.repeated:
        doubt = ", with different scores" if scores and seed not in scores else ""
        yield "repeated-seed", f"seed {seed} is claimed more than once{doubt}"
    for name in record.claims.other_seeds:
        yield "ambiguous-seed", f'submission.json gives a result of "{name[:40]}", which is no seed'


def _check_printed_seeds(record: Record) -> CheckResults:
    for run in record.runs:
        if len(run.log.seeds) > 1:
            yield "ambiguous-seed", f"{run.path} prints the seeds {', '.join(map(str, run.log.seeds))}"
        elif run.log.seeds and run.named_seed not in (None, str(run.log.seeds[0])):
            yield "seed-name", f"{run.path}: named after seed {run.named_seed}, prints seed {run.log.seeds[0]}"
        if run.log.runs > 1:
            yield "ambiguous-log", f"{run.path} holds {run.log.runs} trainings without saying which one counts"


def _check_same_scores(record: Record) -> CheckResults:
    """Different seeds never end on the same score of many digits."""
    by_score: dict[Decimal, list[str]] = {}
    for seed in record.counted:
        if (line := record.score_of(seed)) and decimals(line.bpb) >= SAME_DIGITS:
            by_score.setdefault(line.bpb, []).append(seed)
    for bpb, seeds in by_score.items():
        if len(seeds) > 1:
            paths = ", ".join(record.counted[seed].path for seed in seeds)
            yield "same-score", f"seeds {', '.join(seeds)} have the same score, {bpb}, to the last digit ({paths})"


def _check_count(record: Record) -> CheckResults:
    count, logged = record.claims.count, record.logged_seeds
    if record.runs and count is not None and count != logged:
        yield "seed-count", f"{count} seeds claimed, {logged} have logs"
    if len(record.known) == 1 and (record.runs or count in (None, 1)):
        yield "single-seed", "one seed: no spread, so no test"


def _check_disclosed(record: Record) -> CheckResults:
    disclosed, reported = record.claims.disclosed, record.claims.scores
    if disclosed:
        left_out = ", ".join(f"{seed}: {score}" for seed, score in disclosed.items() if seed not in reported)
        mean_all = format_decimal(mean(list(disclosed.values())), 5)
        counts = f"{len(disclosed)} seeds were run, {len(reported)} are reported"
        yield "selected-seeds", f"{counts}; left out: {left_out}; mean of all {mean_all}"


def _describe_duplicates(record: Record, seed: str) -> str:
    group = record.by_seed[seed]
    scores = [(run.path, run.score(record.metric, [])) for run in group]
    shown = ", ".join(f"{path}: {score.bpb if score else 'no score'}" for path, score in scores)
    counted = record.counted.get(seed)
    verdict = f"{counted.path} counts" if counted else "none or several fit the claims, so it has no score"
    return f"{len(group)} logs of seed {seed} ({shown}): {verdict}"
