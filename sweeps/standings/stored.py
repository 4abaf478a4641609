"""Public records of a contest as the database keeps them: read as `sweeps.entries.shape` reads those of golf.

Everybody who can write to the database can write anything there. A row of the wrong shape, or one that says otherwise
than what follows from its own runs and findings, is flagged, and says why.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import BaseModel

from sweeps.board.rules import EVIDENCE_CODE, RuleFinding
from sweeps.contests.contest import Contest
from sweeps.entries.numbers import describe_wrong, is_number
from sweeps.entries.record_names import name_of_record, name_records
from sweeps.entries.shape import describe_problem, describe_second, find_problem, form_of
from sweeps.standings.entry import ContestEntry, RunResult
from sweeps.standings.findings import choose_contest_track

_SCORE = re.compile(r"-?\d{1,12}(?:\.\d{1,20})?(?:E-\d{1,2})?", re.ASCII)
"""A score as `str` writes its decimal."""


def read_stored(contents: Sequence[Any], contest: Contest) -> list[ContestEntry]:
    """The public records of a contest; a name that is stored again is numbered, and flagged."""
    entries = []
    for content, (_, name) in zip(contents, name_records(contents), strict=True):
        entry = read_stored_entry(content, contest)
        entries.append(entry if entry.name == name else _empty(name, contest, describe_second(entry.name)))
    return entries


def read_stored_entry(content: Any, contest: Contest) -> ContestEntry:
    """A public record; a number that nothing can measure is unknown, and what cannot be so is a finding."""
    if (problem := find_problem(_form(), content)) is not None:
        return _empty(name_of_record(content), contest, problem)
    wrong = {
        name: content[name]
        for name in ("step", "row")
        if content.get(name) is not None and not (type(content[name]) is int and is_number(content[name], 0))
    }
    runs = {}
    for name, run in content["runs"].items():
        score, seconds = _read_score(run["score"]), run.get("seconds")
        if score is None:
            wrong[f"runs.{name}.score"] = run["score"]
            continue
        if seconds is not None and not is_number(seconds, 0):
            wrong[f"runs.{name}.seconds"], seconds = seconds, None
        runs[name] = RunResult(score=score, seconds=seconds, gpu=run.get("gpu"))
    findings = [RuleFinding(**finding) for finding in content.get("findings", ())]
    details = [describe_wrong(*item) for item in wrong.items()]
    details += _list_contradictions(content, runs, findings, contest)
    findings += [RuleFinding(code=EVIDENCE_CODE, detail=detail) for detail in details]
    unknown = dict.fromkeys(name for name in content if name in wrong)
    read = {**content, "runs": runs, "findings": tuple(findings), **unknown, "track": choose_contest_track(findings)}
    return ContestEntry(**read | {"date": _read_date(content.get("date"))})


@cache
def _form() -> type[BaseModel]:
    return form_of(ContestEntry, without=("sweep", "source"))  # a record is of no sweep


def _empty(name: str, contest: Contest, problem: str) -> ContestEntry:
    """A record of which nothing can be read."""
    return ContestEntry(
        name=name,
        contest=contest.name,
        metric=contest.score.metric,
        step=None,
        runs={},
        track="flagged",
        findings=(RuleFinding(**describe_problem(problem)),),
    )


def _list_contradictions(
    content: Mapping[str, Any], runs: Mapping[str, RunResult], findings: Sequence[RuleFinding], contest: Contest
) -> Iterator[str]:
    """A line for each field that says otherwise than the rest of the row."""
    codes = {finding.code for finding in findings}
    expected = choose_contest_track(findings)
    if content["track"] != expected:
        yield f"its track is {content['track']}, its findings give {expected}"
    metric, own = content["metric"], contest.score.metric
    if metric not in (own, *contest.score.others):
        yield f"its metric is {metric}, logs of {contest.name} print {', '.join((own, *contest.score.others))}"
    elif metric != own and "other-metric" not in codes:
        yield f"its metric is {metric}, not {own}, and no finding says so"
    if content.get("date") is not None and _read_date(content["date"]) is None:
        yield f"its date is {content['date']}: expected YYYY-MM-DD"
    longest = max((run.seconds for run in runs.values() if run.seconds is not None), default=0.0)
    limit = contest.limits.seconds
    if limit is not None and longest > limit + contest.limits.last_step_seconds and "time" not in codes:
        yield f"a training took {longest:.3f} s, over {limit:g} s, and no finding says so"


def _read_score(text: Any) -> Decimal | None:
    """A stored score; None where it cannot be one, such as a power of ten that no memory holds as a fraction."""
    return Decimal(text) if isinstance(text, str) and _SCORE.fullmatch(text) else None


def _read_date(text: Any) -> str | None:
    try:
        return text if date.fromisoformat(text).isoformat() == text else None
    except (TypeError, ValueError):
        return None
