"""Entries, events, contents, and drivers with a heartbeat; sweeps with owners, jobs with fields instead of labels."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

OUTPUTS = ("weights", "metrics", "log", "artifact", "scores", "certificate")
"""Outputs of jobs before this version that are contents of the file store, by name."""


def upgrade() -> None:
    """Add the tables and columns, and fill them from what earlier versions kept in labels and JSON."""
    op.add_column("sweeps", sa.Column("owner", sa.String(120), nullable=False, server_default=""))
    op.add_column("sweeps", sa.Column("tags", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("sweeps", sa.Column("entries_version", sa.Integer(), nullable=False, server_default="0"))
    op.drop_index("jobs_by_state", "jobs")
    op.execute("ALTER TABLE jobs RENAME COLUMN kind TO stage")
    op.execute("ALTER TABLE jobs RENAME COLUMN asked TO attempts_before_request")
    op.add_column("jobs", sa.Column("awaited", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.execute("UPDATE jobs SET awaited = (priority & 1) = 1, priority = (priority - (priority & 1)) / 2")
    op.create_index("jobs_by_state", "jobs", ["state", "priority", "awaited", "number"])
    op.create_index("jobs_by_checkpoint", "jobs", ["checkpoint"])
    op.create_index("shards_by_digest", "shards", ["digest"])
    op.create_table(
        "job_entries",
        sa.Column("sweep", sa.String(80), sa.ForeignKey("sweeps.name"), primary_key=True),
        sa.Column("key", sa.String(64), sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("entry", sa.String(120), primary_key=True),
        sa.Column("trial", sa.Integer()),
        sa.Index("job_entries_by_entry", "sweep", "entry"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("sweep", sa.String(80)),
        sa.Column("entry", sa.String(120)),
        sa.Column("key", sa.String(64)),
        sa.Column("who", sa.String(120), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Index("events_by_sweep", "sweep", "id"),
        sa.Index("events_by_key", "key", "id"),
    )
    op.create_table(
        "drivers",
        sa.Column("sweep", sa.String(80), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("cluster", sa.String(255), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("heartbeat", sa.Float(), nullable=False),
    )
    op.create_table(
        "contents",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger()),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_table(
        "content_links",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("role", sa.String(8), primary_key=True),
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Index("content_links_by_key", "key"),
    )
    op.create_table(
        "entries",
        sa.Column("sweep", sa.String(80), sa.ForeignKey("sweeps.name"), primary_key=True),
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("updated", sa.Float(), nullable=False),
    )
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    _fill_entries(connection)
    _fill_contents(connection)


def _fill_entries(connection: sa.Connection) -> None:
    """Which entry or trial needs a job, from the labels that said so."""
    stages = {key: stage for key, stage in connection.execute(sa.text("SELECT key, stage FROM jobs"))}
    rows = []
    for sweep, key, label in connection.execute(sa.text("SELECT sweep, key, label FROM sweep_jobs")).all():
        if (name := _entry(stages[key], label)) is not None:
            number = re.fullmatch(r"trial (\d+)", name)
            trial = None if number is None else int(number[1])
            rows.append({"sweep": sweep, "key": key, "entry": name, "trial": trial})
    _insert(connection, "job_entries", rows)


def _fill_contents(connection: sa.Connection) -> None:
    """Contents and the jobs that make and read them, from inputs, outputs, checkpoints and shards."""
    created: dict[str, float] = {}
    links = []
    for key, job, places, outputs, checkpoint, time in connection.execute(
        sa.text("SELECT key, job, places, outputs, checkpoint, created FROM jobs ORDER BY number")
    ).all():
        for role, name, digest in _links(_plain(job)["inputs"], _plain(places) or {}, _plain(outputs) or {}):
            links.append({"digest": digest, "key": key, "role": role, "name": name})
            created.setdefault(digest, time)
        if checkpoint:
            created.setdefault(checkpoint, time)
    for digest, time in connection.execute(
        sa.text("SELECT shards.digest, jobs.created FROM shards JOIN jobs ON jobs.key = shards.key")
    ).all():
        created.setdefault(digest, time)
    _insert(connection, "content_links", links)
    _insert(connection, "contents", [{"digest": digest, "created": time} for digest, time in created.items()])


def _insert(connection: sa.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert all rows with one prepared statement: a store may have hundreds of thousands."""
    if rows:
        columns = list(rows[0])
        values = ", ".join(f":{name}" for name in columns)
        connection.execute(sa.text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})"), rows)


def _entry(stage: str, label: str) -> str | None:
    """The leaderboard entry or trial that a label of earlier versions names; None of trainings, which named none."""
    if stage == "eval":
        return label.rpartition(" seed ")[0]
    return label.removeprefix("audit ") if stage == "audit" else None


def _links(
    inputs: Mapping[str, str], places: Mapping[str, str], outputs: Mapping[str, Any]
) -> Iterator[tuple[str, str, str]]:
    yield from (("reads", name, digest) for name, digest in inputs.items() if name not in places)
    yield from (("makes", name, outputs[name]) for name in OUTPUTS if isinstance(outputs.get(name), str))


def _plain(value: Any) -> Any:
    """JSON as the driver gives it: text in SQLite, already read in PostgreSQL."""
    return json.loads(value) if isinstance(value, str) else value
