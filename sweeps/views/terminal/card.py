"""A job, a sweep or an entry as a card for people: what one looks for first, then all the rest in lines."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console, ConsoleOptions
from rich.text import Text

from sweeps.spec.settings import flatten
from sweeps.views.entry_facts import describe_evidence
from sweeps.views.terminal.text_page import TextPage, text_width
from sweeps.views.verdicts.commands import CommandWords
from sweeps.views.wording import elapsed, format_setting

Facts = Mapping[str, Any]
MOST_JOBS = 20
KEY_DIGITS = 12
SAID_ABOVE = ("seeds still needed", "not checked", "headroom", "against the record", "search")
"""Evidence that the lines of the verdict have already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Card:
    """What `describe` returned, for a terminal."""

    facts: Facts
    commands: CommandWords
    baseline: str | None = None
    """The entry that others of its sweep are compared with."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Lay out and print."""
        yield from self.lay_out(options.max_width, only_ascii=options.ascii_only)

    def lay_out(self, width: int, *, only_ascii: bool = False) -> list[Text]:
        """All lines, none wider than so many cells."""
        page, facts = TextPage(width=text_width(width), only_ascii=only_ascii), self.facts
        if "attempts" in facts:
            _add_job(page, facts, self.commands)
        elif "file" in facts:
            _add_sweep(page, facts, self.commands)
        elif "ranked_by" in facts:
            _add_standing(page, facts, self.commands, self.baseline)
        elif "val_bpb_mean" in facts:
            _add_entry(page, facts, self.commands, self.baseline)
        else:
            _add_fields(page, str(facts.get("name", "")), facts)
        for name, text in (("mismatches", "Evidence contradicts this entry: "), ("lost", "Lost: ")):
            for line in facts.get(name, ()):
                page.text(f"{text}{line}", indent=2, style="bold red")
        if "certificate" in facts:
            from sweeps.views.certificates import describe_certificate  # imports numpy, which few cards need

            page.blank()
            page.text("Audit", style="bold")
            for line in describe_certificate(facts["certificate"]):
                page.text(line, indent=4)
        return page.lines


def _add_entry(page: TextPage, entry: Facts, commands: CommandWords, baseline: str | None) -> None:
    from sweeps.views.verdicts.entry_chips import judge_entry  # imports numpy
    from sweeps.views.verdicts.verdict import advance_entry, measure_gain

    sweep = entry["sweep"]
    rank = [] if entry["rank"] is None or entry["track"] == "flagged" else [f"rank {entry['rank']}"]
    page.parts([f"{sweep}/{entry['name']}" if sweep else entry["name"], entry["track"], *rank], style="bold")
    page.blank()
    if entry["val_bpb_mean"] is not None:
        page.label("Score", list(_describe_score(entry)))
    gain, over, role = measure_gain(entry, [entry], baseline)
    if gain is not None:
        page.label("Gain", [f"{abs(gain):.2f} mBPB {'better' if gain >= 0 else 'worse'} than {over} ({role})"])
    for chip in judge_entry(entry, baseline):
        page.chip(chip)
    step = advance_entry(entry, baseline, commands)
    page.label("Next", [step.sentence], command=step.command)
    scores = [f"{seed}: {'–' if bpb is None else format(bpb, '.4f')}" for seed, bpb in entry["seeds"].items()]
    page.label("Seeds", scores)
    page.blank()
    page.text("Evidence", style="bold")
    for heading, text in describe_evidence(entry).items():
        if heading not in SAID_ABOVE:
            page.text(f"  {heading}: {text}", indent=4)
    for item in entry["unchecked"] or ():
        page.text(f"  not checked: {item}", indent=4)
    for finding in entry["findings"]:
        page.text(f"  {finding['code']}: {finding['detail']}", indent=4)
    _add_jobs(page, entry.get("jobs", ()))


def _add_standing(page: TextPage, entry: Facts, commands: CommandWords, baseline: str | None) -> None:
    from sweeps.contests.catalog import contest_named
    from sweeps.views.terminal.entries.standing_card import add_standing  # imports numpy

    add_standing(page, entry, contest_named(entry["contest"]), commands, baseline)
    _add_jobs(page, entry.get("jobs", ()))


def _describe_score(entry: Facts) -> Iterator[str]:
    spread = "" if entry["val_bpb_std"] is None else f" ± {entry['val_bpb_std']:.4f}"
    n = len(entry["seeds"])
    yield f"{entry['val_bpb_mean']:.4f}{spread} bpb, mean of {n} seed{'' if n == 1 else 's'}"
    if entry["val_bpb_ci95"]:
        low, high = entry["val_bpb_ci95"]
        yield f"95% CI {low:.4f} to {high:.4f}"


def _add_job(page: TextPage, job: Facts, commands: CommandWords) -> None:
    attempts = job["attempts"]
    page.parts([job["label"], job["key"][:KEY_DIGITS], job["state"]], style="bold")
    page.blank()
    ran = [] if job["seconds"] is None else [f"took {elapsed(job['seconds'])}"]
    hosts = sorted({attempt["host"] for attempt in attempts if attempt["host"]})
    count = f"{len(attempts)} attempt{'' if len(attempts) == 1 else 's'}"
    page.label("Job", [job["stage"], f"seed {job['seed']}", *ran, count, *([", ".join(hosts)] if hosts else [])])
    if job["reason"]:
        page.label("Why", [job["reason"]])
    if job["explanation"]:
        page.label("Meaning", [job["explanation"]])
    page.label("Log", [], command=commands.logs(job["key"][:KEY_DIGITS]))
    if len(attempts) > 1 or any(attempt["reason"] for attempt in attempts):
        page.blank()
        page.text("Attempts", style="bold")
        for attempt in attempts:
            parts = [attempt["state"], *([attempt["host"]] if attempt["host"] else [])]
            reason = f": {attempt['reason']}" if attempt["reason"] else ""
            page.text(f"  {attempt['number']}  {', '.join(parts)}{reason}", indent=5)
    for title, fields in (("Settings", job["settings"]), ("Inputs", job["inputs"]), ("Outputs", job["outputs"] or {})):
        if fields:
            _add_fields(page, title, fields)
    _add_fields(page, "Machine", job["machine"])


def _add_sweep(page: TextPage, sweep: Facts, commands: CommandWords) -> None:
    reason = [sweep["reason"]] if sweep["reason"] else []
    page.parts(
        [sweep["name"], sweep["state"], *reason, f"{sweep['gpu_hours']:.2f} {sweep['unit']}-hours"], style="bold"
    )
    page.blank()
    states = Counter(job["state"] for job in sweep["jobs"])
    page.label("Jobs", [f"{count} {state}" for state, count in states.items()] or ["none yet"])
    page.label("Entries", [], command=commands.leaderboard())
    failed = [job for job in sweep["jobs"] if job["state"] == "failed"]
    if failed:
        page.label("Retry", [], command=commands.retry())
        page.blank()
        page.text("Failed", style="bold red")
        for job in failed[:MOST_JOBS]:
            page.text(f"  {job['label']} ({job['key'][:KEY_DIGITS]}): {job['reason']}", indent=4)
    _add_jobs(page, [job for job in sweep["jobs"] if job["state"] != "failed"])
    _add_fields(page, "Sweep file", sweep["file"])


def _add_jobs(page: TextPage, jobs: Sequence[Facts]) -> None:
    if not jobs:
        return
    page.blank()
    page.text("Jobs", style="bold")
    for job in jobs[:MOST_JOBS]:
        page.text(f"  {job['key'][:KEY_DIGITS]}  {job['label']}", indent=4)
    if len(jobs) > MOST_JOBS:
        page.text(f"  and {len(jobs) - MOST_JOBS} more (--json has all)", indent=4)


def _add_fields(page: TextPage, title: str, fields: Facts) -> None:
    """All that is known, one field in a line, with dotted names."""
    page.blank()
    page.text(title, style="bold")
    for name, value in flatten(fields).items():
        if value is not None and name not in ("mismatches", "lost"):
            page.text(f"  {name} = {format_setting(value)}", indent=4)
