"""Results of seeds, wherever a submission puts them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from sweeps.records.reading import fields
from sweeps.records.reading.values import BySeed, describe_value, read_by_seed, read_number, read_score, read_seeds

_SEED_FIELD = re.compile(r"(?:val_bpb_|bpb_)?seed_?(\d{1,12})(?:_val_bpb|_bpb)?", re.ASCII | re.IGNORECASE)
Value = TypeVar("Value")


def read_first(source: Any, names: Sequence[str], read: Callable[[Any], Value | None]) -> Value | None:
    """The first of these fields that can be read."""
    if not isinstance(source, Mapping):
        return None
    return next((value for name in names if (value := read(source.get(name))) is not None), None)


def read_each(results: Mapping[str, Any], read: Callable[[Any], Value | None]) -> dict[str, Value]:
    """Seed → value, for the seeds whose result can be read."""
    return {seed: value for seed, result in results.items() if (value := read(result)) is not None}


def read_seed_score(result: Any) -> Decimal | None:
    """The score of one seed's result, which is a table or the score itself."""
    if isinstance(result, Mapping):
        return read_first(result, fields.SEED_HEADLINE, read_score)
    return read_score(result)


def find_results(submission: Mapping[str, Any], listed: Sequence[str]) -> BySeed:
    """Find results by seed: in a field of their own, in the score's field, or in one field for each seed.

    Args:
        submission: the claims.
        listed: seeds in the order in which the submission lists them.
    """
    names = [*fields.SEED_SCORES, *(name for name in submission if "seed" in name), *fields.HEADLINE]
    tables = [read_by_seed(submission.get(name), listed if name != "seeds" else ()) for name in names]
    single = {match[1]: value for name, value in submission.items() if (match := _SEED_FIELD.fullmatch(name))}
    return next((table for table in [*tables, read_by_seed(single)] if _has_scores(table)), BySeed(results={}))


def find_unnamed_scores(submission: Mapping[str, Any]) -> list[Decimal]:
    """Find scores in a list of nothing else, which does not name their seeds."""
    given = [submission.get(name) for name in (*fields.SEED_SCORES, *fields.HEADLINE)]
    lists = [value for value in given if isinstance(value, list) and value and not read_seeds(value)]
    scores = ([read_score(value) for value in values] for values in lists)
    return next(([score for score in group if score is not None] for group in scores if None not in group), [])


def find_disclosed_scores(submission: Mapping[str, Any], reported: Mapping[str, Any]) -> dict[str, Decimal]:
    """Find scores of all runs: a table, anywhere, of more seeds than the reported ones."""
    best: dict[str, Decimal] = {}
    for table in _list_tables(submission, 4):
        scores = read_each(read_by_seed(table).results, read_seed_score)
        if len(scores) > max(len(reported), len(best)) and set(reported) <= set(scores):
            best = scores
    return best if reported else {}


def list_pending(results: Mapping[str, Any], repeated: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Seeds with a score that is none: the field and its value."""
    for seed, result in results.items():
        if seed in repeated:
            continue
        names = [name for name in fields.SEED_HEADLINE if name in result] if isinstance(result, Mapping) else []
        value = result[names[0]] if names else result
        if read_seed_score(result) is None and (names or not isinstance(result, Mapping)):
            yield f"{names[0] if names else 'the score'} of seed {seed}", describe_value(value)


def _has_scores(table: BySeed) -> bool:
    """Whether it holds scores or placeholders for them, rather than steps or seconds."""
    results = table.results.values()
    return any(read_number(result) is None or read_seed_score(result) is not None for result in results)


def _list_tables(value: Any, depth: int) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping) and depth:
        yield value
        for item in value.values():
            yield from _list_tables(item, depth - 1)
