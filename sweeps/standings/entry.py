"""An entry of a contest as the database keeps it: what its runs measured; the rest is computed when it is read.

Everybody who can write to the database can write anything there. A stored record of the wrong shape, or one that says
otherwise than what follows from its own runs and findings, is flagged, and says why.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from pydantic import BaseModel

from sweeps.board.rules import EVIDENCE_CODE, RuleFinding, Track
from sweeps.contests.contest import Contest
from sweeps.entries.names import name_of_record, name_records
from sweeps.entries.numbers import describe_wrong, is_number
from sweeps.entries.shape import describe_problem, describe_second, find_problem, form_of
from sweeps.standings.findings import choose_contest_track
from sweeps.standings.record import ContestRecord
from sweeps.standings.rules import Side, exact_mean

_SCORE = re.compile(r"-?\d{1,12}(?:\.\d{1,20})?(?:E-\d{1,2})?", re.ASCII)
"""A score as `str` writes its decimal."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunResult:
    """What one run measured at the step that counts."""

    score: Decimal
    """As printed."""
    seconds: float | None = None
    gpu: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain data; the score as text, so that no digit changes."""
        return {"score": str(self.score), "seconds": self.seconds, "gpu": self.gpu}


@dataclass(frozen=True, kw_only=True, slots=True)
class ContestEntry:
    """An entry of a contest."""

    name: str
    contest: str
    metric: str
    """The score that counts."""
    step: int | None
    """The step at which it was measured."""
    runs: Mapping[str, RunResult]
    track: Track
    findings: tuple[RuleFinding, ...] = ()
    date: str | None = None
    """YYYY-MM-DD."""
    row: int | None = None
    """Its row in a table of results, which orders entries of one day."""
    machine: str | None = None
    """Entries with equal text here were made on one machine; None where nothing says so."""
    compared_with: str | None = None
    """Full name of the entry that its record, or its sweep, is compared with."""
    sweep: str = ""
    """Empty for a public record."""
    source: str = "import"
    trials: int = 0
    """Trials of the search that it is the best of; 0 for an entry that no search found."""
    dollars: float | None = None
    """What all its runs have cost; None where nobody knows."""

    @property
    def full_name(self) -> str:
        """Its name among all entries of its contest."""
        return f"{self.sweep}/{self.name}" if self.sweep else self.name

    @property
    def key(self) -> str:
        """Its name among the public records of all contests."""
        return f"{self.contest}/{self.name}"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "contest": self.contest,
            "name": self.name,
            "metric": self.metric,
            "step": self.step,
            "runs": {name: run.to_json() for name, run in self.runs.items()},
            "track": self.track,
            "findings": [{"code": finding.code, "detail": finding.detail} for finding in self.findings],
            "date": self.date,
            "row": self.row,
            "machine": self.machine,
            "compared_with": self.compared_with,
        }

    def side(self, contest: Contest) -> Side:
        """What rules take of it."""
        seconds = [run.seconds for run in self.runs.values() if run.seconds is not None]
        whole = seconds if len(seconds) == len(self.runs) else []
        scores = [run.score for run in self.runs.values()]
        return Side(scores=scores, seconds=whole, value=_value(contest, scores, whole, self.step))


def entry_of(record: ContestRecord, findings: Sequence[RuleFinding]) -> ContestEntry:
    """The entry of a record folder."""
    folder, claim = record.folder, record.folder.claim
    validations = record.validations
    return ContestEntry(
        name=folder.name,
        contest=record.contest.name,
        metric=record.metric,
        step=record.step,
        runs={
            run.name: RunResult(
                score=validations[run.name].scores[record.metric],
                seconds=validations[run.name].seconds,
                gpu=run.log.gpu,
            )
            for run in record.runs
            if run.name in validations
        },
        track=choose_contest_track(findings),
        findings=tuple(findings),
        date=folder.date,
        row=None if claim is None else claim.row,
        machine=_find_machine(record),
        compared_with=folder.compared_with,
    )


def _find_machine(record: ContestRecord) -> str | None:
    """The machine of all runs, which only the runs of one record folder can share; None where their logs differ."""
    machines = {(run.log.gpu, run.log.gpus, tuple(sorted(run.log.hosts))) for run in record.runs}
    if len(machines) != 1:
        return None
    gpu, count, hosts = machines.pop()
    parts = [record.folder.place, f"{count or ''} {gpu or 'unknown GPU'}".strip(), *hosts]
    return ", ".join(parts)


def _value(contest: Contest, scores: Sequence[Decimal], seconds: Sequence[float], step: int | None) -> float | None:
    """What an entry is ranked by."""
    if not scores:
        return None
    match contest.ranked.by:
        case "steps":
            return None if step is None else float(step)
        case "seconds":
            return sum(seconds) / len(seconds) if seconds else None
        case "score":
            return float(exact_mean(scores))


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
