"""What a submission.json claims: each fact had several names over the months, and some values are no values."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

from jobs.logs import decimals
from sweeps.records import fields, values
from sweeps.records.folder import printable
from sweeps.records.values import BySeed

_URL = re.compile(r"https://[\w./%#?=&~+-]+", re.ASCII)
_SEED_FIELD = re.compile(r"(?:val_bpb_|bpb_)?seed_?(\d{1,12})(?:_val_bpb|_bpb)?", re.ASCII | re.IGNORECASE)
Value = TypeVar("Value")
_P = re.compile(
    r"\bp(?:[_ -]?value)?\s*(<<|≪|<|≤|=|(?<=value):)\s*(0?\.\d{1,12}|\d(?:\.\d{1,6})?e-\d{1,3})", re.IGNORECASE
)
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
    unnamed: tuple[Decimal, ...] = ()
    """Bits per byte of seeds that are not told, where only those are given."""
    seed_losses: Mapping[str, Decimal] = field(default_factory=dict)
    seeds: tuple[str, ...] = ()
    """Every seed that is named, in order."""
    count: int | None = None
    total_bytes: int | None = None
    code_bytes: int | None = None
    mean_bytes: int | None = None
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
    """Fields whose value is none, as written: null, 0.0, "PENDING_RERUN", megabytes."""
    repeated: tuple[str, ...] = ()
    """Seeds that are named twice."""
    other_seeds: tuple[str, ...] = ()
    """Names of results that begin as a seed and are none."""
    min_nll: bool = False
    date: float | None = None
    author: str | None = None
    url: str | None = None
    """Of its pull request, where it gives one."""

    @property
    def most_bytes(self) -> int | None:
        """The size of the artifact, or of the largest of the seeds'."""
        return max(filter(None, [self.total_bytes, *self.seed_bytes.values()]), default=None)


def read(submission: Mapping[str, Any]) -> Claims:
    """Read a submission's claims."""
    for name in fields.NESTED:
        if isinstance(inner := submission.get(name), Mapping):
            submission = {**inner, **submission}
    listed = values.seeds(submission.get("seeds"))
    found = _seed_results(submission, listed)
    results = found.results
    prose = " ".join(_strings(submission))
    seeds = dict.fromkeys([*listed, *results, *values.seeds([submission.get("seed")])])
    std = _first(submission, fields.STD, values.number)
    return Claims(
        headline=_first(submission, fields.HEADLINE, values.score),
        loss=_first(submission, fields.LOSS, values.score),
        std=std if std is not None else _text_number(_STD_TEXT, prose),
        scores=_each(results, _seed_score),
        unnamed=() if results else tuple(_unnamed(submission)),
        seed_losses=_each(results, lambda one: _first(one, fields.LOSS, values.score)),
        seeds=tuple(seeds),
        count=_count(submission, seeds, prose),
        total_bytes=_first(submission, fields.TOTAL, values.size),
        code_bytes=_first(submission, fields.CODE, values.size),
        mean_bytes=_first(submission, fields.MEAN_BYTES, lambda value: values.size(_rounded(value))),
        seed_bytes=_each(results, lambda one: _first(one, fields.TOTAL, values.size)),
        train_seconds=_seconds(submission, fields.TRAIN),
        eval_seconds=_seconds(submission, fields.EVAL),
        steps=_first(submission, fields.STEPS, values.whole),
        seed_steps=_each(results, lambda one: _first(one, fields.STEPS, values.whole)),
        parameters=_first(submission, ("model_params", "num_params", "parameters"), values.whole),
        baseline=_baseline(submission, prose),
        p_value=_p_value(next((submission[name] for name in fields.P_VALUE if name in submission), None), prose),
        t_statistic=values.number(submission.get("t_statistic")) or _text_number(_T, prose),
        disclosed=_disclosed(submission, results),
        pending=(*_pending(submission), *_pending_seeds(results, found.repeated)),
        repeated=tuple(dict.fromkeys([*found.repeated, *(seed for seed in listed if listed.count(seed) > 1)])),
        other_seeds=found.others,
        min_nll=_MIN_NLL.search(f" {prose}") is not None,
        date=_date(submission.get("date")),
        author=_word(submission.get("author")),
        url=next((url for name in fields.URL if (url := _word(submission.get(name))) and _URL.fullmatch(url)), None),
    )


def _first(source: Any, names: Sequence[str], read: Callable[[Any], Value | None]) -> Value | None:
    """The first of these fields that can be read."""
    if not isinstance(source, Mapping):
        return None
    return next((value for name in names if (value := read(source.get(name))) is not None), None)


def _rounded(value: Any) -> Any:
    """A mean may have digits after the point."""
    number = values.number(value)
    return value if number is None else round(number)


def _each(results: Mapping[str, Any], read: Callable[[Any], Value | None]) -> dict[str, Value]:
    return {seed: value for seed, one in results.items() if (value := read(one)) is not None}


def _seconds(source: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        if (number := values.number(source.get(name))) is not None and number > 0:
            return float(number) / (1000 if name.endswith("_ms") else 1)
    return None


def _seed_results(submission: Mapping[str, Any], listed: Sequence[str]) -> BySeed:
    """Results by seed, wherever they stand: a field of their own, the score's, or one field a seed."""
    named = [*fields.SEED_SCORES, *(name for name in submission if "seed" in name), *fields.HEADLINE]
    tables = [values.by_seed(submission.get(name), listed if name != "seeds" else ()) for name in named]
    each = {found[1]: one for name, one in submission.items() if (found := _SEED_FIELD.fullmatch(name))}
    return next((table for table in [*tables, values.by_seed(each)] if _has_scores(table)), BySeed(results={}))


def _has_scores(table: BySeed) -> bool:
    """Whether it holds scores or stands for them, rather than steps or seconds."""
    return any(values.number(one) is None or _seed_score(one) is not None for one in table.results.values())


def _unnamed(submission: Mapping[str, Any]) -> list[Decimal]:
    """Scores in a list of nothing else."""
    given = [submission.get(name) for name in (*fields.SEED_SCORES, *fields.HEADLINE)]
    lists = [one for one in given if isinstance(one, list) and one and not values.seeds(one)]
    found = ([values.score(one) for one in scores] for scores in lists)
    return next(([one for one in scores if one is not None] for scores in found if None not in scores), [])


def _seed_score(result: Any) -> Decimal | None:
    return _first(result, fields.SEED_HEADLINE, values.score) if isinstance(result, Mapping) else values.score(result)


def _count(submission: Mapping[str, Any], seeds: Mapping[str, None], prose: str) -> int | None:
    counted = _first(submission, fields.COUNT, values.whole)
    if counted is not None or seeds:
        return counted or len(seeds)
    if unnamed := _unnamed(submission):
        return len(unnamed)
    found = _COUNT_TEXT.search(prose)
    return int(found[1]) if found else None


def _baseline(submission: Mapping[str, Any], prose: str) -> Decimal | None:
    """The score that it says it beats: a field, or the second of "1.06 vs 1.08" where the first is its own."""
    if (given := _first(submission, fields.BASELINE, values.score)) is not None:
        return given
    headline = _first(submission, fields.HEADLINE, values.score)
    for ours, theirs in _VERSUS.findall(prose):
        if headline is not None and abs(Decimal(ours) - headline) <= Decimal(1).scaleb(-decimals(Decimal(ours))):
            return Decimal(theirs)
    return None


def _p_value(value: Any, prose: str) -> tuple[str, Decimal] | None:
    if (number := values.number(value)) is not None:
        return "=", number
    found = _P.search(f"p = {value}" if re.match(r"[\d.]", str(value)) else f"p {value}") or _P.search(prose)
    return (found[1].replace("<<", "≪").replace("≤", "<").replace(":", "="), Decimal(found[2])) if found else None


def _disclosed(submission: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Decimal]:
    """Scores of all runs, wherever a mapping of more seeds than the reported ones stands."""
    best: dict[str, Decimal] = {}
    for one in _mappings(submission, 4):
        scores = _each(values.by_seed(one).results, _seed_score)
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
    scores = dict.fromkeys((*fields.HEADLINE, *fields.LOSS), values.score)
    sizes = dict.fromkeys((*fields.TOTAL, *fields.CODE), values.size)
    for name, read in {**scores, **sizes, **dict.fromkeys(fields.STD, values.number)}.items():
        value = submission.get(name)
        by_seed = name in fields.HEADLINE and values.by_seed(value).results
        if name in submission and read(value) is None and not by_seed and not (name in fields.CODE and value is None):
            yield name, values.shown(value)


def _pending_seeds(results: Mapping[str, Any], repeated: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Scores of seeds that are none: the value itself, or the field of a table."""
    for seed, one in results.items():
        if seed in repeated:
            continue
        names = [name for name in fields.SEED_HEADLINE if name in one] if isinstance(one, Mapping) else []
        value = one[names[0]] if names else one
        if _seed_score(one) is None and (names or not isinstance(one, Mapping)):
            yield f"{names[0] if names else 'the score'} of seed {seed}", values.shown(value)


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
