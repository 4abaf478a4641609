"""Rows of many sweeps, made from a few that were played: every key, digest and name is another, and all still agree."""

import hashlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Table, create_engine, select

from jobs.database import tables
from jobs.files import FileStore
from jobs.spec import Job
from jobs.workplace import Workplace
from tests.sweeps import made_up

ENTRIES, SEEDS = 20, (3, 4, 5)
"""Of each sweep; each entry has an evaluation and an audit of each seed."""
DIGEST = re.compile(r"\b(?:[0-9a-f]{64}|t{64})\b")
COPIED: tuple[Table, ...] = (
    tables.sweeps, tables.jobs, tables.sweep_jobs, tables.job_entries, tables.attempts, tables.contents,
    tables.content_links, tables.entries, tables.events,
)  # fmt: skip
"""In an order in which each row finds what it refers to."""
Rows = dict[Table, list[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Template:
    """A sweep that was played: all of its rows."""

    name: str
    rows: Rows


def play_templates(count: int, files: FileStore) -> list[Template]:
    """Play sweeps whose entries differ in their scores; their contents lie in the file store from now on."""
    return [_play(number, files) for number in range(count)]


def _play(number: int, files: FileStore) -> Template:
    name = f"load-t{number:02}"  # as long as those of its copies, since a script's size depends on its title
    rates = [0.01 + 0.002 * place for place in range(ENTRIES)]
    arms = [{"name": f"arm {place:02}", "eval": {"lr": rate}} for place, rate in enumerate(rates)]
    arms[0]["baseline"] = True

    def bpb(job: Job) -> float:
        return made_up.score(job) - 0.01 * number - 0.1 * float(job.settings["eval"]["lr"])

    with tempfile.TemporaryDirectory() as folder:
        place = Workplace.open(Path(folder) / "home", files=files.location)
        made_up.play(place, made_up.file(name, arm=arms, seeds={"confirm": list(SEEDS)}), bpb)
        place.store.close()
        engine = create_engine(place.home.database_url)
        with engine.connect() as connection:
            rows = {each: [dict(row) for row in connection.execute(select(each)).mappings()] for each in COPIED}
        engine.dispose()
    return Template(name=name, rows=rows)


def copy_sweep(template: Template, number: int, runs: int, *, running: bool) -> Rows:
    """The rows of one more sweep, with as many jobs as `runs`: those that its entries need, and trials of a search.

    Args:
        template: what it is made of.
        number: of the sweep, which decides its name, its digests and when it was started.
        runs: its jobs.
        running: whether it still runs; then half of its trials wait.
    """
    name = f"load-{number:03}"
    known = _renew_digests(template, number)

    def renew(value: Any) -> Any:
        if isinstance(value, str):
            return DIGEST.sub(lambda match: known.get(match[0], match[0]), value.replace(template.name, name))
        return value if not isinstance(value, (dict, list)) else json.loads(renew(json.dumps(value)))

    rows = {
        table: [{column: renew(value) for column, value in row.items()} for row in template.rows[table]]
        for table in COPIED
    }
    for row in rows[tables.events]:
        del row["id"]
    first = {row["key"] for row in rows[tables.jobs]}
    for table in (tables.jobs, tables.sweep_jobs, tables.attempts):
        assert {row["key"] for row in rows[table]} <= first
    [sweep] = rows[tables.sweeps]
    sweep["created"] += number
    for entry in rows[tables.entries]:
        for run in entry["content"]["evaluations"]:
            run["stage"][0] += number  # an entry came when its sweep was started
    sweep["state"] = "running" if running else "done"
    for place, row in enumerate(rows[tables.jobs]):
        row["number"] = number * runs + place + 1
    for trial in range(runs - len(rows[tables.jobs])):
        _add_trial(rows, name, number * runs + len(first) + trial + 1, trial, waits=running and trial % 2 == 0)
    return rows


def _renew_digests(template: Template, number: int) -> Mapping[str, str]:
    """Each digest of a template that a copy has in another form: training data, what jobs made of it, and keys."""
    salted = {"t" * 64}
    for row in template.rows[tables.jobs]:
        salted |= {value for name, value in (row["outputs"] or {}).items() if name in ("weights", "artifact")}
    known = {digest: hashlib.sha256(f"{digest} {number}".encode()).hexdigest() for digest in salted}
    keys = {
        row["key"]: Job.from_json(DIGEST.sub(lambda match: known.get(match[0], match[0]), row["job"])).key
        for row in template.rows[tables.jobs]
    }
    return known | keys


def _add_trial(rows: Rows, sweep: str, number: int, trial: int, *, waits: bool) -> None:
    """One more evaluation, of settings that nothing else has: done, or waiting."""
    first = next(row for row in rows[tables.jobs] if row["stage"] == "eval")
    fields = json.loads(first["job"])
    fields["settings"]["eval"]["lr"] = 1e-5 * (trial + 1)
    job = Job.from_json(json.dumps(fields))
    done = {"state": "done"} if not waits else {
        "state": "queued", "outputs": None, "attempt": 0, "fraction": 0.0, "finished": None, "seconds": None,
    }  # fmt: skip
    rows[tables.jobs].append(first | {"key": job.key, "job": job.canonical(), "number": number} | done)
    rows[tables.sweep_jobs].append({"sweep": sweep, "key": job.key, "label": f"trial {trial} seed {job.seed}"})
    rows[tables.job_entries].append({"sweep": sweep, "key": job.key, "entry": f"trial {trial}", "trial": trial})
    if not waits:
        attempt = next(row for row in rows[tables.attempts] if row["key"] == first["key"])
        rows[tables.attempts].append(attempt | {"key": job.key})
    for event in [row for row in rows[tables.events] if row["key"] == first["key"]][: 1 if waits else 4]:
        rows[tables.events].append(event | {"key": job.key, "entry": f"trial {trial}"})


def unique_rows(rows: Rows, seen: set[str]) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """Rows by table, without contents that an earlier copy has written."""
    for table in COPIED:
        part = rows[table]
        if table is tables.contents:
            part = [row for row in part if row["digest"] not in seen]
            seen |= {row["digest"] for row in part}
        yield table, part
