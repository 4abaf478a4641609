"""What disagrees in a record: claims against logs, logs against each other, both against the rules.

Every finding has a code that stays and one line that names the measures. A finding never says what somebody meant; it
says what stands there.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from golf.artifact import LIMIT_BYTES
from jobs.logs import STAGES, agree, decimals
from sweeps.records import measures
from sweeps.records.folder import printable
from sweeps.records.record import Record, mean, named_seed, worst
from sweeps.rules import Finding, Profile
from sweeps.statistics import TestResult, one_sample_test

LIMIT_SECONDS = 600.0
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
AS_BPB = 0.005
"""The challenge's margin in the wrong unit: nats per token read as bits per byte, as PR 611 did."""
ROUNDING = 1.05
"""A p-value is held against the claimed one with so much room for rounded scores."""
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


def baseline_test(record: Record, margin: float) -> TestResult | None:
    """One-sample test of the measured seeds against the baseline that is claimed, which is taken as exact; None without
    a baseline or with fewer than two seeds. The margin is in bits per byte."""
    baseline, scores = record.claims.baseline, [float(score) for score in record.measured]
    return None if baseline is None or len(scores) < 2 else one_sample_test(scores, float(baseline) - margin)


Findings = Iterator[tuple[str, str]]


def _leaks(record: Record) -> Findings:
    factors = sorted({run.log.factor for run in record.runs if run.log.factor not in (None, 1.0)}, key=str)
    epochs = max((run.log.epochs or 1 for run in record.runs), default=1)
    if record.claims.min_nll or any(run.log.min_nll for run in record.runs):
        yield "C4", f"keeps the lowest of {epochs if epochs > 1 else 'several'} scores of each document (min-NLL)"
    if epochs > 1:
        yield "C3", f"each document is adapted on for {epochs} epochs and scored in them, after training on it"
    if any(run.log.mixes for run in record.runs):
        yield "mixture", "scores mix in counts of scored text; whether the mixture is normalised (C2) no log can show"
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
    if len(record.known) == 1:
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


def _scores(record: Record) -> Findings:
    claims = record.claims
    for run in record.runs:
        if run.score(record.stage, record.claimed_of(run.seed or "")) is None:
            last = f"; last validation in training {run.log.validation}" if run.log.validation is not None else ""
            yield "no-final-score", f"{run.path}: no line gives its final score{last}"
    later = STAGES[STAGES.index(record.stage) + 1 :] if record.stage else ()
    for run in record.runs:
        for stage in later:
            for other in run.log.of_stage(stage)[-1:]:
                yield "other-protocol", f"{run.path} also gives {other.name} {other.bpb}; not what is claimed"
    for seed, claimed in claims.scores.items():
        measured = record.scores.get(seed)
        if record.runs and measured is not None and not agree(claimed, measured):
            yield "seed-differs", f"seed {seed}: claimed {claimed}, its log says {measured}"
    yield from _headline(record)
    yield from _losses(record)


def _losses(record: Record) -> Findings:
    claims = record.claims
    for seed, claimed in claims.seed_losses.items():
        line = record.score_of(seed)
        if line is None or agree(claimed, line.loss):
            continue
        if agree(claimed, line.bpb):
            yield "loss-is-bpb", f"seed {seed}: val_loss {claimed} is bits per byte, not nats per token"
        else:
            yield "loss-differs", f"seed {seed}: val_loss {claimed}, its log says {line.loss}"
    if claims.loss is not None and record.known and _is_bpb(record, claims.loss):
        yield "loss-is-bpb", f"val_loss {claims.loss} is bits per byte (mean {_shown(record)}), not nats per token"
    elif claims.loss is not None and record.measured:
        losses = [score.loss for seed in record.counted if (score := record.score_of(seed))]
        if losses and not any(agree(claims.loss, loss) for loss in [*losses, mean(losses)]):
            yield "loss-differs", f"val_loss {claims.loss}, the logs' mean is {measures.rounded(mean(losses), 8)}"


def _headline(record: Record) -> Findings:
    headline, scores = record.claims.headline, record.measured
    if headline is None:
        if record.folder.submission is not None:
            yield "no-headline", "submission.json gives no val_bpb"
        return
    if not record.runs or (scores and agree(headline, mean(scores))):
        return
    if any(agree(headline, early) for early in _early(record)):
        final = f"the final mean is {_shown(record)}" if scores else "no log gives a final one"
        yield "pre-quant", f"headline {headline} is a score before quantisation; {final}"
        return
    if not scores:
        yield "mean-differs", f"headline {headline}, no log gives it as a final score"
        return
    best = min(scores)
    if len(scores) > 1 and agree(headline, best):
        yield "best-seed", f"headline {headline} is the best of {len(scores)} seeds, their mean is {_shown(record)}"
    elif len(scores) > 1 and any(agree(headline, score) for score in scores):
        yield "one-seed", f"headline {headline} is one of {len(scores)} seeds, their mean is {_shown(record)}"
    else:
        yield "mean-differs", f"headline {headline}, the logs' mean is {_shown(record)} over {len(scores)} seeds"


def _early(record: Record) -> list[Decimal]:
    """Scores of the weights as trained, one log or the mean of all."""
    found = [
        [run.log.validation for run in record.runs if run.log.validation is not None],
        [score.bpb for run in record.runs for score in run.log.of_stage("trained")],
    ]
    return [score for group in found if group for score in [*group, mean(group)]]


def _is_bpb(record: Record, loss: Decimal) -> bool:
    """Whether a loss is the score again, and not the loss that a log gives beside it."""
    losses = [score.loss for seed in record.counted if (score := record.score_of(seed))]
    if losses and any(agree(loss, one) for one in [*losses, mean(losses)]):
        return False
    unit = Decimal(1).scaleb(-decimals(loss))  # means of rounded scores end a digit off
    return any(abs(loss - score) <= unit for score in [mean(record.known), *record.known])


def _shown(record: Record) -> str:
    scores = record.known
    return measures.rounded(mean(scores), max(decimals(score) for score in scores))


def _statistics(record: Record) -> Findings:
    scores, claims = [float(score) for score in record.measured], record.claims
    if claims.std is not None and len(scores) > 1 and claims.count in (None, len(scores)):
        sample, population = measures.deviations(scores)
        if not agree(claims.std, measures.to_decimal(sample, claims.std)):
            if agree(claims.std, measures.to_decimal(population, claims.std)):
                yield "population-std", f"std {claims.std} divides by n; the sample's is {sample:.6f} (n − 1)"
            else:
                yield "std-differs", f"std {claims.std}; the logs give {sample:.6f} (n − 1), {population:.6f} (n)"
    if claims.p_value is not None:
        yield from _p_claim(record, *claims.p_value)
    if claims.t_statistic is not None:
        yield from _t_claim(record, claims.t_statistic)


def _p_claim(record: Record, relation: str, value: Decimal) -> Findings:
    claim = f"p {relation} {value}"
    n = len(record.measured)
    if n < 2:
        yield "unsupported-p", f"{claim}: the logs give {n} seed{'' if n == 1 else 's'}, a test needs two"
        return
    plain, with_margin = baseline_test(record, 0.0), baseline_test(record, AS_BPB)
    if plain is None or with_margin is None:
        yield "unsupported-p", f"{claim}: no baseline score is named that it could be tested against"
        return
    # "Much less" is an order of magnitude at least.
    if plain.p_value > ROUNDING * float(value) / (10 if relation == "≪" else 1):
        yield (
            "unsupported-p",
            f"{claim}: {n} seeds against {record.claims.baseline} give one-sided p = {plain.p_value:.4f} (one-sample, "
            f"df {n - 1}); with a margin of {AS_BPB} BPB p = {with_margin.p_value:.4f}",
        )


def _t_claim(record: Record, value: Decimal) -> Findings:
    plain, with_margin = baseline_test(record, 0.0), baseline_test(record, AS_BPB)
    if plain is None or with_margin is None or _is_statistic(value, plain):
        return
    if _is_statistic(value, with_margin):
        yield (
            "margin-as-bpb",
            f"t = {value} takes the margin of {AS_BPB} nats per token as bits per byte and {record.claims.baseline} as "
            f"exact; one-sample, df {with_margin.df:g}, one-sided p = {with_margin.p_value:.4f}",
        )
    else:
        yield "t-differs", f"t = {value}; one-sample against {record.claims.baseline} t = {plain.statistic:.2f}"


def _is_statistic(value: Decimal, test: TestResult) -> bool:
    """Whether a printed t is this one, up to what rounded scores do to it."""
    return abs(abs(float(value)) - abs(test.statistic)) <= 0.01 * abs(test.statistic)


def _sizes(record: Record) -> Findings:
    totals = {seed: run.log.total_bytes for seed, run in record.counted.items()}
    largest, claims = worst(totals), record.claims
    if largest and largest[1] > LIMIT_BYTES:
        yield "size", f"{largest[1]:,} bytes (seed {largest[0]}), over {LIMIT_BYTES:,}"
    elif not largest and claims.total_bytes is not None and claims.total_bytes > LIMIT_BYTES:
        yield "size", f"{claims.total_bytes:,} bytes claimed, over {LIMIT_BYTES:,}"
    raw = worst(measures.raw_sizes(record))
    if raw and raw[1] > LIMIT_BYTES and not (largest and largest[1] > LIMIT_BYTES):
        yield "size-raw", f"{raw[1]:,} bytes with the code as written (seed {raw[0]}), over {LIMIT_BYTES:,}"
    if largest and claims.total_bytes is not None and claims.total_bytes != largest[1]:
        yield "bytes-differ", f"{claims.total_bytes:,} bytes claimed, the largest log says {largest[1]:,}"
    for seed, claimed in claims.seed_bytes.items():
        run = record.counted.get(seed)
        if run and run.log.total_bytes is not None and run.log.total_bytes != claimed:
            model = " (the model alone)" if claimed == run.log.model_bytes else ""
            yield "bytes-differ", f"seed {seed}: {claimed:,} bytes claimed{model}, its log says {run.log.total_bytes:,}"
    codes = {size for run in record.counted.values() for size in (run.log.code_bytes, run.log.raw_code_bytes) if size}
    if claims.code_bytes is not None and codes and claims.code_bytes not in codes:
        printed = ", ".join(f"{size:,}" for size in sorted(codes))
        yield "code-bytes", f"{claims.code_bytes:,} bytes of code claimed, the logs say {printed}"


def _times(record: Record) -> Findings:
    over: dict[str, dict[str, float | None]] = {}
    for run in record.runs:
        seconds, log = run.log.train_seconds, run.log
        if seconds is not None and seconds > LIMIT_SECONDS:
            # The loop ends with the step that crosses the limit; later and longer is more than that.
            last = max(1.0, seconds / max(log.steps or 1, 1))
            over.setdefault("time-last-step" if seconds - LIMIT_SECONDS <= last else "time", {})[run.path] = seconds
    for code, runs in over.items():
        if longest := worst(runs):
            others = f", {len(runs) - 1} more" if len(runs) > 1 else ""
            yield code, f"training took {longest[1]:.3f} s ({longest[0]}{others}), over {LIMIT_SECONDS:g} s"
    evaluated = {seed: measures.eval_seconds(record, run) for seed, run in record.counted.items()}
    if (longest := worst(evaluated)) and longest[1] > LIMIT_SECONDS:
        yield "time", f"evaluation took {longest[1]:.3f} s (seed {longest[0]}), over {LIMIT_SECONDS:g} s"
    claims = record.claims
    for what, claimed, measured in (
        ("training", claims.train_seconds, [run.log.train_seconds for run in record.counted.values()]),
        ("evaluation", claims.eval_seconds, list(evaluated.values())),
    ):
        known = [seconds for seconds in measured if seconds is not None]
        if claimed is not None and claimed > LIMIT_SECONDS + 1 and not known:
            yield "time", f"{what} took {claimed:g} s as claimed, over {LIMIT_SECONDS:g} s"
        if claimed is not None and known and not min(known) - 1 <= claimed <= max(known) + 1:
            yield "time-differs", f"{claimed:g} s of {what} claimed, the logs say {max(known):.3f} s"
    yield from _process_times(record)
    yield from _steps(record)


def _steps(record: Record) -> Findings:
    claims, steps = record.claims, {seed: run.log.steps for seed, run in record.counted.items()}
    known = [count for count in steps.values() if count is not None]
    if claims.steps is not None and known and claims.steps not in known:
        yield "steps-differ", f"{claims.steps:,} steps claimed, the logs say {', '.join(f'{n:,}' for n in known)}"
    for seed, claimed in claims.seed_steps.items():
        if (measured := steps.get(seed)) is not None and measured != claimed:
            yield "steps-differ", f"seed {seed}: {claimed:,} steps claimed, its log says {measured:,}"


def _process_times(record: Record) -> Findings:
    for process in measures.PROCESS_CLOCKS:
        taken = {seed: measures.process_seconds(run.log, process) for seed, run in record.counted.items()}
        longest = max(((one, seed) for seed, one in taken.items() if one), default=None)
        if longest and longest[0][0] > LIMIT_SECONDS:
            (seconds, clocks), seed = longest
            yield "time-process", f"{process} took {seconds:.1f} s as a whole (seed {seed}: {clocks})"


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
        if line is None or usual is None or line.loss <= 0:
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
    _leaks, _files, _seeds, _scores, _statistics, _sizes, _times, _settings, _coverage, _byte_count,
)  # fmt: skip
