"""The judgment on the entries of one record folder for a review thread: as Markdown, or as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

from sweeps.board.rules import RuleFinding
from sweeps.standings.board import Standings
from sweeps.standings.entry import entry_of
from sweeps.standings.findings import REMARKS, list_breaches, list_unsupported
from sweeps.standings.importing import Judged
from sweeps.standings.pair import describe_rule, describe_value
from sweeps.standings.record import ContestRecord
from sweeps.standings.standing import to_row
from sweeps.text.escaping import escape_markdown, escape_markdown_code


def passes(judged: Sequence[Judged]) -> bool:
    """Whether all entries of a record keep the rules, and their files support what they claim."""
    return not any(list_breaches(findings) or list_unsupported(findings) for _, findings in judged)


def to_json(judged: Sequence[Judged]) -> dict[str, Any]:
    """The rows of a record's entries, what each log says, and the verdicts."""
    rows = _rows(judged)
    return {
        "rows": rows,
        "logs": {record.folder.name: _describe_logs(record) for record, _ in judged},
        "verdicts": {
            record.folder.name: {
                name: {"passes": not codes, "against": codes} for name, codes in _list_objections(findings).items()
            }
            for record, findings in judged
        },
    }


def to_markdown(judged: Sequence[Judged]) -> str:
    """The judgment as Markdown."""
    rows = {row["name"]: row for row in _rows(judged)}
    parts = []
    for record, findings in judged:
        row = rows[record.folder.name]
        parts += [
            [f"# Check of {escape_markdown(record.folder.name)}"],
            list(_list_verdicts(record, row, findings)),
            ["## Runs", "", *_make_run_table(record)],
            ["## Claims and logs", "", *_make_claim_table(record, row)],
            ["## Findings", "", *_list_findings(findings)],
        ]
    return "\n\n".join("\n".join(part) for part in parts)


def _rows(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    contest = judged[0][0].contest
    board = Standings(contest, [entry_of(record, findings) for record, findings in judged])
    return [to_row(contest, standing) for standing in board.all]


def _list_objections(findings: Sequence[RuleFinding]) -> dict[str, list[str]]:
    return {"rules": list_breaches(findings), "claims": list_unsupported(findings)}


def _list_verdicts(record: ContestRecord, row: dict[str, Any], findings: Sequence[RuleFinding]) -> Iterator[str]:
    titles = {"rules": "rules", "claims": "claims compared with logs"}
    yield f"- {escape_markdown(record.contest.title)}."
    yield f"- **{describe_value(row)}**; {describe_rule(row['rule'])}."
    if row["improvement"] is not None:
        against = escape_markdown(row["verdict_against"])
        yield f"- Against {against}: **{row['verdict']}**; {describe_rule(row['improvement'])}."
    for name, codes in _list_objections(findings).items():
        yield f"- **{titles[name]}**: {'does not pass: ' + ', '.join(codes) if codes else 'passes'}"


def _make_run_table(record: ContestRecord) -> Iterator[str]:
    yield f"| run | {escape_markdown(record.metric)} | step | seconds | GPUs |"
    yield "|---|---|---|---|---|"
    for name, log in _describe_logs(record).items():
        yield _make_line(name, log["score"], log["step"], log["seconds"], log["gpu"])


def _describe_logs(record: ContestRecord) -> dict[str, dict[str, Any]]:
    """What each run's log says at the step that counts; digits as printed."""
    validations = record.validations
    logs: dict[str, dict[str, Any]] = {}
    for run in record.folder.runs:
        validation = validations.get(run.name)
        score = None if validation is None else validation.scores.get(record.metric)
        logs[run.name] = {
            "log": run.path,
            "score": None if score is None else str(score),
            "scores": {} if validation is None else {name: str(value) for name, value in validation.scores.items()},
            "step": record.step if validation is not None else None,
            "planned_steps": run.log.planned_steps,
            "seconds": None if validation is None else validation.seconds,
            "gpu": None if run.log.gpu is None else f"{run.log.gpus or ''} {run.log.gpu}".strip(),
        }
    return logs


def _make_claim_table(record: ContestRecord, row: dict[str, Any]) -> Iterator[str]:
    claim = record.folder.claim
    if claim is None:
        yield "No table of results names it."
        return
    yield "| | claimed | logs |"
    yield "|---|---|---|"
    yield _make_line(
        f"mean {record.metric} ({record.contest.score.unit})",
        claim.mean,
        None if row["mean"] is None else f"{row['mean']:.6f}",
    )
    yield _make_line("runs", claim.n, row["n"])
    yield _make_line("steps", claim.steps, row["step"])
    yield _make_line("seconds", claim.seconds, None if row["seconds"] is None else f"{row['seconds']:.3f}")


def _list_findings(findings: Sequence[RuleFinding]) -> Iterator[str]:
    if not findings:
        yield "None."
    for finding in findings:
        note = " (a note)" if finding.code in REMARKS else ""
        yield f"- {escape_markdown_code(finding.code)}{note}: {escape_markdown(finding.detail)}"


def _make_line(*values: Any) -> str:
    return "| " + " | ".join("–" if value is None else escape_markdown(str(value)) for value in values) + " |"
