"""What disagrees in a record: claims against logs, logs against each other, both against the rules.

Every finding has a code that stays and one line that names the measures. A finding never says what somebody meant; it
says what stands there.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

from jobs.logs import agree, decimals
from sweeps.board.rules import Finding, Profile
from sweeps.records import agreement, limits, measures
from sweeps.records.folder import printable
from sweeps.records.measures import Findings
from sweeps.records.record import Record, mean, named_seed

DOCUMENTS = 50_000
"""Of the challenge's validation set."""
VAL_TOKENS = {"sp1024": 62_021_632, "sp4096": 45_508_608, "sp8192": 40_540_160}
"""Tokens of it under the challenge's tokenizers, cut to whole windows."""
BPB_PER_NAT = {
    "sp1024": 0.59226,
    "sp4096": 0.43459,
    "sp8192": 0.38713,
    "sp8192_caseops": 0.45696,
    "sp8192_lossless_caps_caseops_v1_reserved": 0.45696,
}
"""Bits per byte of a nat per token on it, as the public logs agree to five digits whatever was trained."""
BYTES_OFF = 0.035
"""Share from which a byte count is another one: the least known mistake is 4.1 % (byte fallback counted as 3 bytes)."""
CUT = 0.995
"""What is left of it where only the last window is cut off is more than this share."""
SAME_DIGITS = 6
"""Digits after the point from which one score cannot be that of two seeds: they spread over 0.0005 or more."""
LEAKS = frozenset({"C1", "C2", "C3", "C4"})
"""Conditions of the challenge's issue 1017: what breaks them is flagged."""
RULES = LEAKS | {"size", "size-raw", "time", "time-last-step", "time-process", "coverage"}
"""What is held against the rules; everything else is a claim held against what is there."""
LET_PASS: dict[Profile, frozenset[str]] = {
    "accepted": frozenset({"size-raw", "time-last-step", "time-process"}),
    "strict": frozenset(),
}
"""Breaches of the rules' text that a profile lets pass."""
REMARKS = frozenset({"single-seed", "mixture", "other-protocol", "duplicate-log", "unread", "same-name", "byte-count"})
"""What is neither a breach nor a disagreement, and a reader should know."""


def judge(record: Record) -> tuple[Finding, ...]:
    """All findings on a record, gravest kind first."""
    return tuple(Finding(code=code, detail=printable(detail)) for check in _CHECKS for code, detail in check(record))


def breaches(findings: Sequence[Finding], profile: Profile) -> list[str]:
    """Codes of the rules that a record breaks under a profile, each once."""
    return list(dict.fromkeys(one.code for one in findings if one.code in RULES - LET_PASS[profile]))


def disagreements(findings: Sequence[Finding]) -> list[str]:
    """Codes of what a record claims and does not bear out, each once."""
    return list(dict.fromkeys(one.code for one in findings if one.code not in RULES | REMARKS))


def _leaks(record: Record) -> Findings:
    factors = sorted({run.log.factor for run in record.runs if run.log.factor not in (None, 1.0)}, key=str)
    epochs = max((run.log.epochs or 1 for run in record.runs), default=1)
    if record.claims.min_nll or any(run.log.min_nll for run in record.runs):
        yield "C4", f"keeps the lowest of {epochs if epochs > 1 else 'several'} scores of each document (min-NLL)"
    if epochs > 1:
        yield "C3", f"each document is adapted on for {epochs} epochs and scored in them, after training on it"
    if any(run.log.mixes for run in record.runs):
        yield "mixture", "scores mix in counts of scored text; whether the mixture is normalized (C2) no log can show"
    for factor in factors:
        yield "C2", f'the loss is scaled ("temp:{factor:g}"), so the probabilities do not sum to 1'


def _files(record: Record) -> Findings:
    if record.folder.submission is None:
        yield "missing-submission", "no submission.json that can be read: nothing is claimed, all numbers are the logs'"
    if not record.runs:
        yield "missing-logs", "no log: every number is as claimed, none could be checked"
    lacking = [seed for seed in record.claims.seeds if seed not in record.by_seed]
    if record.runs and lacking:
        yield "missing-logs", f"no log of seed {', '.join(lacking)}: claimed, not seen"
    for oddity in record.folder.oddities:
        yield "unread", oddity
    for path in record.folder.silent:
        if named_seed(path) is not None or path.lower().endswith((".log", ".out")):
            yield "unread", f"{path}: named as a log, and no line of it is one of a training script"
    for place in record.folder.namesakes:
        yield (
            "same-name",
            f"{place} has this folder's name and was left out: a row is named after its folder, rename one",
        )
    for name, value in record.claims.pending:
        yield "pending", f"{name} is {value}: no value"


def _seeds(record: Record) -> Findings:
    for path, original in record.copies:
        ours, theirs = named_seed(path), named_seed(original)
        if None not in (ours, theirs) and ours != theirs:
            seed = (
                f"seed {ours} has no log of its own"
                if record.folder.logs[path].seeds
                else "whose log it is is not said"
            )
            yield "copied-seed", f"{path} is a copy of {original}, byte for byte: {seed}"
            continue
        yield "duplicate-log", f"{path} is a copy of {original}, byte for byte; counted once"
    for seed in record.claims.repeated:
        scores = record.claims.scores
        doubt = ", with no one score" if scores and seed not in scores else ""
        yield "repeated-seed", f"seed {seed} is claimed more than once{doubt}"
    for name in record.claims.other_seeds:
        yield "ambiguous-seed", f'submission.json gives a result of "{name[:40]}", which is no seed'
    for run in record.runs:
        if len(run.log.seeds) > 1:
            yield "ambiguous-seed", f"{run.path} prints the seeds {', '.join(map(str, run.log.seeds))}"
        elif run.log.seeds and run.named_seed not in (None, str(run.log.seeds[0])):
            yield "seed-name", f"{run.path}: named after seed {run.named_seed}, prints seed {run.log.seeds[0]}"
        if run.log.runs > 1:
            yield "ambiguous-log", f"{run.path} holds {run.log.runs} trainings; which one counts is not said"
    for seed, group in record.by_seed.items():
        if group[0].seed is None:
            stray = "; nothing tells that it is a seed of its own, so it does not count"
            why = "several seeds are printed" if group[0].log.seeds else "no seed is printed, and no one seed named"
            yield "seed-unknown", f"{group[0].path}: {why}{stray if seed in record.strays else ''}"
        elif len(group) > 1:
            yield "duplicate-seed", _duplicate(record, seed)
    yield from _same_scores(record)
    count, seen = record.claims.count, record.seeds_seen
    if record.runs and count is not None and count != seen:
        yield "seed-count", f"{count} seeds claimed, logs of {seen} are there"
    if len(record.known) == 1 and (record.runs or count in (None, 1)):
        yield "single-seed", "one seed: no spread, so no test"
    disclosed = record.claims.disclosed
    if disclosed:
        unreported = {seed: disclosed[seed] for seed in disclosed if seed not in record.claims.scores}
        left_out = ", ".join(f"{seed}: {score}" for seed, score in unreported.items())
        mean_all = measures.rounded(mean(list(disclosed.values())), 5)
        yield (
            "selected-seeds",
            f"{len(disclosed)} seeds were run, {len(record.claims.scores)} are reported; left out: {left_out}; "
            f"mean of all {mean_all}",
        )


def _same_scores(record: Record) -> Findings:
    """Different seeds never end on one score of many digits."""
    by_score: dict[Decimal, list[str]] = {}
    for seed in record.counted:
        if (line := record.score_of(seed)) and decimals(line.bpb) >= SAME_DIGITS:
            by_score.setdefault(line.bpb, []).append(seed)
    for bpb, seeds in by_score.items():
        if len(seeds) > 1:
            paths = ", ".join(record.counted[seed].path for seed in seeds)
            yield "same-score", f"seeds {', '.join(seeds)} have one score, {bpb}, to the last digit ({paths})"


def _duplicate(record: Record, seed: str) -> str:
    group = record.by_seed[seed]
    shown = ", ".join(
        f"{run.path}: {score.bpb if (score := run.score(record.stage, [])) else 'no score'}" for run in group
    )
    counted = record.counted.get(seed)
    verdict = f"{counted.path} counts" if counted else "none or several fit what is claimed; no score"
    return f"{len(group)} logs of seed {seed} ({shown}): {verdict}"


def _settings(record: Record) -> Findings:
    runs = record.runs
    names = sorted({name for run in runs for name in run.log.settings})
    differing = {}
    for name in names:
        values = dict.fromkeys(run.log.settings.get(name, "–") for run in runs)
        if len(values) > 1 and "–" not in values:
            differing[name] = values
    codes = sorted({run.log.raw_code_bytes for run in runs if run.log.raw_code_bytes})
    parts = [f"{name} {' / '.join(values)}" for name, values in differing.items()]
    if len(codes) > 1:
        parts.append(f"code of {' / '.join(f'{size:,}' for size in codes)} bytes")
    parameters = {run.log.settings["model_params"] for run in runs if "model_params" in run.log.settings}
    claimed = record.claims.parameters
    if claimed is not None and parameters and str(claimed) not in parameters:
        printed = ", ".join(f"{int(one):,}" for one in sorted(parameters) if one.isdecimal())
        yield "other-model", f"{claimed:,} parameters claimed, the logs say {printed}"
    if parts:
        yield "mixed-settings", f"not one configuration: {'; '.join(parts[:8])}"


def _coverage(record: Record) -> Findings:
    for run in record.runs:
        log = run.log
        if log.documents is not None and log.documents < DOCUMENTS:
            yield "coverage", f"{run.path}: {log.documents:,} of {DOCUMENTS:,} documents were scored"
        elif log.document_fraction is not None and log.document_fraction < 1:
            yield "coverage", f"{run.path}: {log.document_fraction:.0%} of the documents were scored"
        elif log.val_tokens is not None and log.val_tokens < CUT * VAL_TOKENS.get(log.data or "", 0):
            whole = VAL_TOKENS[log.data or ""]
            yield "coverage", f"{run.path}: {log.val_tokens:,} tokens scored, the whole set has about {whole:,}"


def _byte_count(record: Record) -> Findings:
    for seed, run in record.counted.items():
        line, usual = record.score_of(seed), BPB_PER_NAT.get(run.log.data or "")
        if line is None or usual is None or not line.loss or not line.bpb:
            continue
        more = usual * float(line.loss / line.bpb) - 1
        if agree(line.loss, line.bpb):
            yield "byte-count", f"{run.path}: {line.name} gives {line.bpb} as loss and as bits per byte"
        elif abs(more) > BYTES_OFF:
            yield (
                "byte-count",
                f"{run.path}: {line.name} counts {more:+.1%} bytes: a nat per token is {line.bpb / line.loss:.4f} "
                f"bits per byte, with {run.log.data} elsewhere {usual}",
            )


_CHECKS: tuple[Callable[[Record], Findings], ...] = (
    _leaks, _files, _seeds, agreement.scores, agreement.statistics, limits.sizes, limits.times, _settings, _coverage,
    _byte_count,
)  # fmt: skip
