"""What a submission.json claims: each fact had several names over the months, and some values are no values."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from jobs.logs import decimals
from sweeps.records.folder import printable

HEADLINE = ("val_bpb", "mean_val_bpb", "val_bpb_mean", "mean_bpb", "bpb", "val_var_bpb")
LOSS = ("val_loss", "mean_val_loss", "val_loss_mean", "val_loss_nats", "mean_val_loss_nats", "val_loss_sliding")
STD = ("val_bpb_std", "std_bpb", "std_val_bpb", "bpb_std")
SEED_SCORES = ("seed_results", "val_bpb_seeds", "seeds", "results", "per_seed", "seed_scores")
TOTAL = (
    *("bytes_total", "artifact_bytes_max", "artifact_bytes", "artifact_size_bytes", "model_size_bytes", "total_bytes"),
    *("submission_bytes", "artifact_bytes_mean"),
)
CODE = ("bytes_code", "code_bytes", "code_size_bytes")
TRAIN = (
    "train_time_seconds",
    "wallclock_seconds",
    "train_seconds",
    "train_time_s",
    "train_time_s_mean",
    "train_time_s_max",
    "train_time_ms",
)
EVAL = (
    "eval_time_seconds",
    "eval_seconds",
    "eval_time_s",
    "eval_time_s_mean",
    "eval_time_s_max",
    "eval_time_ms",
    "ttt_time_ms",
)
STEPS = ("step_stop", "train_steps", "steps")
COUNT = ("n_seeds", "num_seeds")
BASELINE = ("comparison_baseline_bpb", "base_val_bpb", "baseline_bpb", "baseline_val_bpb", "sota_bpb")
_P = re.compile(r"\bp(?:[_ -]?value)?\s*(<<|≪|<|≤|=)\s*(0?\.\d{1,12}|\d(?:\.\d{1,6})?e-\d{1,3})", re.IGNORECASE)
_T = re.compile(r"\bt\s?=\s?(-?\d{1,6}(?:\.\d{1,6})?)")
_STD_TEXT = re.compile(r"\bstd(?:dev)?\.?\s*[:=]?\s*(0\.\d{1,10})", re.IGNORECASE)
_COUNT_TEXT = re.compile(r"\b(?:mean of |over )?(\d{1,2})[- ]seeds?\b", re.IGNORECASE)
_VERSUS = re.compile(r"\b(\d\.\d{3,10}) (?:vs\.?|against|over) (?:\w+ ){0,3}(\d\.\d{3,10})\b")
_MIN_NLL = re.compile(r"(?<!no)(?<!non)(?<!without)[\W_]min[-_ ]?nll\b(?!\W*(?:=\s*0|:\s*false))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Claims:
    """The claims of one submission; None and empty where it makes none."""

    headline: Decimal | None = None
    loss: Decimal | None = None
    std: Decimal | None = None
    scores: Mapping[str, Decimal] = field(default_factory=dict)
    """Seed → bits per byte."""
    seeds: tuple[str, ...] = ()
    """Every seed that is named, in order."""
    count: int | None = None
    total_bytes: int | None = None
    code_bytes: int | None = None
    seed_bytes: Mapping[str, int] = field(default_factory=dict)
    train_seconds: float | None = None
    eval_seconds: float | None = None
    steps: int | None = None
    seed_steps: Mapping[str, int] = field(default_factory=dict)
    parameters: int | None = None
    baseline: Decimal | None = None
    p_value: tuple[str, Decimal] | None = None
    """Relation (=, <, ≪) and value."""
    t_statistic: Decimal | None = None
    disclosed: Mapping[str, Decimal] = field(default_factory=dict)
    """Scores of more seeds than are reported, where the submission says so itself."""
    pending: tuple[tuple[str, str], ...] = ()
    """Fields whose value is none, as written: null, 0.0, "PENDING_RERUN"."""
    min_nll: bool = False
    date: float | None = None
    author: str | None = None


def read(submission: Mapping[str, Any]) -> Claims:
    """Read a submission's claims."""
    named = [*SEED_SCORES, *(name for name in submission if "seed" in name)]
    results = next((found for name in named if (found := _by_seed(submission.get(name)))), {})
    prose = " ".join(_strings(submission))
    seeds = dict.fromkeys([*_listed(submission.get("seeds")), *results, *_listed([submission.get("seed")])])
    std = _first(submission, STD)
    return Claims(
        headline=_score(_first(submission, HEADLINE)),
        loss=_score(_first(submission, LOSS)),
        std=std if std is not None else _text_number(_STD_TEXT, prose),
        scores={seed: score for seed, one in results.items() if (score := _seed_score(one)) is not None},
        seeds=tuple(seeds),
        count=_count(submission, seeds, prose),
        total_bytes=_whole(_first(submission, TOTAL)),
        code_bytes=_whole(_first(submission, CODE)),
        seed_bytes=_whole_by_seed(results, TOTAL),
        train_seconds=_seconds(submission, TRAIN),
        eval_seconds=_seconds(submission, EVAL),
        steps=_whole(_first(submission, STEPS)),
        seed_steps=_whole_by_seed(results, STEPS),
        parameters=_whole(_first(submission, ("model_params", "num_params", "parameters"))),
        baseline=_baseline(submission, prose),
        p_value=_p_value(submission.get("p_value"), prose),
        t_statistic=_number(submission.get("t_statistic")) or _text_number(_T, prose),
        disclosed=_disclosed(submission, results),
        pending=tuple(_pending(submission)),
        min_nll=_MIN_NLL.search(f" {prose}") is not None,
        date=_date(submission.get("date")),
        author=_word(submission.get("author")),
    )


def _first(source: Mapping[str, Any], names: Sequence[str]) -> Decimal | None:
    """The first of these fields that holds a number."""
    return next((number for name in names if (number := _number(source.get(name))) is not None), None)


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value) if abs(value) < 10**15 else None
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) < 16 else None
    return None


def _score(number: Decimal | None) -> Decimal | None:
    """A score or loss; zero stands for one that is not there yet."""
    return number if number is not None and number > 0 else None


def _whole(number: Decimal | None) -> int | None:
    return int(number) if number is not None and number > 0 else None


def _whole_by_seed(results: Mapping[str, Any], names: Sequence[str]) -> dict[str, int]:
    found = {seed: _whole(_first(one, names)) for seed, one in results.items() if isinstance(one, Mapping)}
    return {seed: number for seed, number in found.items() if number is not None}


def _seconds(source: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        if (number := _number(source.get(name))) is not None and number > 0:
            return float(number) / (1000 if name.endswith("_ms") else 1)
    return None


def _by_seed(value: Any) -> dict[str, Any]:
    """Results by seed, from a mapping of seeds or a list of results that name theirs."""
    if isinstance(value, Mapping):
        named = {_seed(name): one for name, one in value.items()}
        return {seed: one for seed, one in named.items() if seed is not None}
    if isinstance(value, list):
        rows = [one for one in value if isinstance(one, Mapping)]
        return {seed: one for one in rows if (seed := _seed(one.get("seed"))) is not None}
    return {}


def _seed(name: Any) -> str | None:
    found = re.fullmatch(r"(?:seed[_ -]?)?(\d{1,12})", str(name), re.ASCII | re.IGNORECASE)
    return str(int(found[1])) if found else None


def _seed_score(result: Any) -> Decimal | None:
    return _score(_first(result, HEADLINE) if isinstance(result, Mapping) else _number(result))


def _listed(value: Any) -> list[str]:
    if not isinstance(value, list):
        return []
    return [seed for one in value if isinstance(one, int | str) and (seed := _seed(one)) is not None]


def _count(submission: Mapping[str, Any], seeds: Mapping[str, None], prose: str) -> int | None:
    counted = _whole(_first(submission, COUNT))
    if counted is not None or seeds:
        return counted or len(seeds)
    found = _COUNT_TEXT.search(prose)
    return int(found[1]) if found else None


def _baseline(submission: Mapping[str, Any], prose: str) -> Decimal | None:
    """The score that it says it beats: a field, or the second of "1.06 vs 1.08" where the first is its own."""
    if (given := _score(_first(submission, BASELINE))) is not None:
        return given
    headline = _score(_first(submission, HEADLINE))
    for ours, theirs in _VERSUS.findall(prose):
        if headline is not None and abs(Decimal(ours) - headline) <= Decimal(1).scaleb(-decimals(Decimal(ours))):
            return Decimal(theirs)
    return None


def _p_value(value: Any, prose: str) -> tuple[str, Decimal] | None:
    if (number := _number(value)) is not None:
        return "=", number
    found = _P.search(f"p = {value}" if re.match(r"[\d.]", str(value)) else f"p {value}") or _P.search(prose)
    return (found[1].replace("<<", "≪").replace("≤", "<"), Decimal(found[2])) if found else None


def _disclosed(submission: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Decimal]:
    """Scores of all runs, wherever a mapping of more seeds than the reported ones stands."""
    best: dict[str, Decimal] = {}
    for one in _mappings(submission, 4):
        scores = {seed: score for seed, result in _by_seed(one).items() if (score := _seed_score(result)) is not None}
        if len(scores) > max(len(reported), len(best)) and set(reported) <= set(scores):
            best = scores
    return best if reported else {}


def _mappings(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping) and depth:
        yield value
        for one in value.values():
            yield from _mappings(one, depth - 1)


def _strings(value: Any, depth: int = 6) -> Iterator[str]:
    """All text in it, field names left out."""
    if isinstance(value, str):
        yield value[:20_000]
    elif depth and isinstance(value, Mapping | list):
        for one in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(one, depth - 1)


def _pending(submission: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in (*HEADLINE, *LOSS, *STD, *TOTAL):
        if name in submission:
            value = submission[name]
            if value is None:
                yield name, "null"
            elif isinstance(value, str):
                yield name, f'"{value[:40]}"'
            elif (number := _number(value)) is not None and number == 0 and name not in STD:
                yield name, "0"
            elif isinstance(value, Decimal) and not value.is_finite():
                yield name, str(value)


def _text_number(pattern: re.Pattern[str], prose: str) -> Decimal | None:
    found = pattern.search(prose)
    return Decimal(found[1]) if found else None


def _date(value: Any) -> float | None:
    try:
        date = datetime.fromisoformat(str(value)[:10])
    except ValueError:
        return None
    return date.replace(tzinfo=UTC).timestamp()


def _word(value: Any) -> str | None:
    return printable(value.strip()[:120]) or None if isinstance(value, str) else None
