"""The claims of a submission.json: each fact has had several names over the months, and some values are none."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sweeps.records.reading import fields, prose, seed_results
from sweeps.records.reading.files import printable
from sweeps.records.reading.seed_results import read_each, read_first, read_seed_score
from sweeps.records.reading.values import (
    describe_value,
    read_by_seed,
    read_count,
    read_number,
    read_score,
    read_seeds,
    read_size,
)

_PULL_NUMBER = re.compile(r"\s*(?:PR ?)?#?(\d{1,6})\s*", re.ASCII | re.IGNORECASE)
_PULL_URL = re.compile(r"/pull/(\d{1,6})\b", re.ASCII)
_URL = re.compile(r"https://[\w./%#?=&~+-]+", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubmissionClaims:
    """The claims of one submission; None and empty where it makes none."""

    headline: Decimal | None = None
    loss: Decimal | None = None
    std: Decimal | None = None
    scores: Mapping[str, Decimal] = field(default_factory=dict)
    """Seed → bits per byte."""
    unnamed: tuple[Decimal, ...] = ()
    """Bits per byte of seeds, where the submission does not say which seeds."""
    seed_losses: Mapping[str, Decimal] = field(default_factory=dict)
    seeds: tuple[str, ...] = ()
    """Every seed that is named, in order."""
    count: int | None = None
    """Number of seeds."""
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
    """The score that it says it beats."""
    p_value: tuple[str, Decimal] | None = None
    """Relation (=, <, ≪) and value."""
    t_statistic: Decimal | None = None
    disclosed: Mapping[str, Decimal] = field(default_factory=dict)
    """Scores of more seeds than are reported, where the submission gives them."""
    pending: tuple[tuple[str, str], ...] = ()
    """Fields whose value is none, as written: null, 0.0, "PENDING_RERUN", megabytes."""
    repeated: tuple[str, ...] = ()
    """Seeds that are named twice."""
    other_seeds: tuple[str, ...] = ()
    """Names of results that look like a seed and are none."""
    min_nll: bool = False
    """Whether it says that the lowest of several scores is kept."""
    date: float | None = None
    """Epoch seconds."""
    author: str | None = None
    url: str | None = None
    """Of its pull request."""
    pull_request: int | None = None
    """Its number."""

    @property
    def most_bytes(self) -> int | None:
        """The size of the artifact, or of the largest one of all seeds."""
        return max(filter(None, [self.total_bytes, *self.seed_bytes.values()]), default=None)


def read_claims(submission: Mapping[str, Any]) -> SubmissionClaims:
    """Read a submission's claims."""
    for name in fields.NESTED:
        if isinstance(inner := submission.get(name), Mapping):
            submission = {**inner, **submission}
    listed = read_seeds(submission.get("seeds"))
    by_seed = seed_results.find_results(submission, listed)
    results, text = by_seed.results, prose.collect_prose(submission)
    seeds = tuple(dict.fromkeys([*listed, *results, *read_seeds([submission.get("seed")])]))
    unnamed = () if results else tuple(seed_results.find_unnamed_scores(submission))
    headline = read_first(submission, [*fields.HEADLINE, *_list_fields_of_seeds(submission, "mean")], read_score)
    std = read_first(submission, [*fields.STD, *_list_fields_of_seeds(submission, "std")], read_number)
    baseline = read_first(submission, fields.BASELINE, read_score)
    p_field = next((submission[name] for name in fields.P_VALUE if name in submission), None)
    repeated = [*by_seed.repeated, *(seed for seed in listed if listed.count(seed) > 1)]
    return SubmissionClaims(
        headline=headline,
        loss=read_first(submission, fields.LOSS, read_score),
        std=std if std is not None else prose.find_std(text),
        scores=read_each(results, read_seed_score),
        unnamed=unnamed,
        seed_losses=read_each(results, lambda result: read_first(result, fields.LOSS, read_score)),
        seeds=seeds,
        count=_count_seeds(submission, seeds, text),
        total_bytes=read_first(submission, fields.TOTAL, read_size),
        code_bytes=read_first(submission, fields.CODE, read_size),
        mean_bytes=read_first(submission, fields.MEAN_BYTES, _read_mean_size),
        seed_bytes=read_each(results, lambda result: read_first(result, fields.TOTAL, read_size)),
        train_seconds=_read_seconds(submission, fields.TRAIN),
        eval_seconds=_read_seconds(submission, fields.EVAL),
        steps=read_first(submission, fields.STEPS, read_count),
        seed_steps=read_each(results, lambda result: read_first(result, fields.STEPS, read_count)),
        parameters=read_first(submission, fields.PARAMETERS, read_count),
        baseline=baseline if baseline is not None else prose.find_beaten_score(text, headline),
        p_value=prose.find_p_value(p_field, text),
        t_statistic=read_number(submission.get("t_statistic")) or prose.find_t_statistic(text),
        disclosed=seed_results.find_disclosed_scores(submission, results),
        pending=(*_list_pending(submission), *seed_results.list_pending(results, by_seed.repeated)),
        repeated=tuple(dict.fromkeys(repeated)),
        other_seeds=by_seed.others,
        min_nll=prose.mentions_min_nll(text),
        date=_read_date(submission.get("date")),
        author=_read_word(submission.get("author")),
        url=next(_list_urls(submission), None),
        pull_request=_read_pull_request(submission),
    )


def _list_fields_of_seeds(submission: Mapping[str, Any], value: str) -> list[str]:
    """Fields such as val_bpb_3seed_mean."""
    matches = ((name, fields.OF_SEEDS.fullmatch(name)) for name in submission)
    return [name for name, match in matches if match and value in match.groups()]


def _read_mean_size(value: Any) -> int | None:
    """A mean size may have digits after the point."""
    number = read_number(value)
    return read_size(value if number is None else round(number))


def _read_seconds(source: Mapping[str, Any], names: Sequence[str]) -> float | None:
    for name in names:
        if (number := read_number(source.get(name))) is not None and number > 0:
            return float(number) / (1000 if name.endswith("_ms") else 1)
    return None


def _count_seeds(submission: Mapping[str, Any], seeds: Sequence[str], text: str) -> int | None:
    count = read_first(submission, fields.COUNT, read_count)
    if count is not None or seeds:
        return count or len(seeds)
    return len(seed_results.find_unnamed_scores(submission)) or prose.find_seed_count(text)


def _list_pending(submission: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Fields of scores, sizes and deviations whose value is none."""
    readers: dict[str, Callable[[Any], Any]] = dict.fromkeys((*fields.HEADLINE, *fields.LOSS), read_score)
    readers |= dict.fromkeys((*fields.TOTAL, *fields.CODE), read_size) | dict.fromkeys(fields.STD, read_number)
    for name, read in readers.items():
        value = submission.get(name)
        results = read_by_seed(value).results if name in fields.HEADLINE else {}
        no_code = name in fields.CODE and value is None
        if name in submission and read(value) is None and not results and not no_code:
            yield name, describe_value(value)


def _list_urls(submission: Mapping[str, Any]) -> Iterator[str]:
    for name in fields.URL:
        if (url := _read_word(submission.get(name))) and _URL.fullmatch(url):
            yield url


def _read_pull_request(submission: Mapping[str, Any]) -> int | None:
    """The number of its pull request: in a field of its own, else in a URL."""
    for name in fields.PULL_REQUEST:
        value = submission.get(name)
        match = _PULL_NUMBER.fullmatch(str(value)) if isinstance(value, int | str) else None
        if match and not isinstance(value, bool):
            return int(match[1])
    urls = (_PULL_URL.search(url) for url in _list_urls(submission))
    return next((int(match[1]) for match in urls if match), None)


def _read_date(value: Any) -> float | None:
    try:
        date = datetime.fromisoformat(str(value)[:10])
    except ValueError:
        return None
    return date.replace(tzinfo=UTC).timestamp()


def _read_word(value: Any) -> str | None:
    return printable(value.strip()[:120]) or None if isinstance(value, str) else None
