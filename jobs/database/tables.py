"""The tables of the store as they are now; jobs/database/migrations makes the same of earlier ones, as a test holds."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    true,
)

metadata = MetaData()

sweeps = Table(
    "sweeps",
    metadata,
    Column("name", String(80), primary_key=True),
    Column("spec", JSON, nullable=False),
    Column("created", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("budget", JSON),
    Column("spent_hours", Float, nullable=False, server_default="0"),
    Column("owner", String(120), nullable=False, server_default=""),
    Column("tags", JSON, nullable=False, server_default="[]"),
    Column("entries_version", Integer, nullable=False, server_default="0"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("stage", String(64), nullable=False),
    Column("job", Text, nullable=False),
    Column("slots", Integer, nullable=False),
    Column("places", JSON, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("created", Float, nullable=False),
    Column("state", String(16), nullable=False),
    Column("failures", Integer, nullable=False),
    Column("claimed_by", String(120)),
    Column("attempt", Integer, nullable=False),
    Column("fraction", Float, nullable=False),
    Column("note", Text, nullable=False),
    Column("checkpoint", String(64)),
    Column("outputs", JSON),
    Column("reason", Text),
    Column("finished", Float),
    Column("seconds", Float),
    Column("machine", Text, nullable=False, server_default=""),
    Column("attempts_before_request", Integer, nullable=False, server_default="0"),
    Column("awaited", Boolean, nullable=False, server_default=true()),
    Column("conditions", JSON, nullable=False, server_default="{}"),
    Index("jobs_by_state", "state", "priority", "awaited", "number"),
    Index("jobs_by_checkpoint", "checkpoint"),
)

sweep_jobs = Table(
    "sweep_jobs",
    metadata,
    Column("sweep", String(80), ForeignKey("sweeps.name"), primary_key=True),
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("label", Text, nullable=False),
    Index("sweep_jobs_by_key", "key"),
)

job_entries = Table(
    "job_entries",
    metadata,
    Column("sweep", String(80), ForeignKey("sweeps.name"), primary_key=True),
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("entry", String(120), primary_key=True),
    Column("trial", Integer),
    Index("job_entries_by_entry", "sweep", "entry"),
)
"""Which entries and trials of a sweep need a job; a training that a whole search shares is needed by many."""

attempts = Table(
    "attempts",
    metadata,
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("scheduler", String(120), nullable=False),
    Column("host", String(255), nullable=False),
    Column("workdir", Text, nullable=False),
    Column("versions", JSON, nullable=False),
    Column("commit", String(48)),
    Column("started", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("ended", Float),
    Column("reason", Text),
    Column("log", Text),
    Column("peak_bytes", BigInteger),
    Column("cost", Float),
    Column("failure", String(32)),
    Column("node", String(80)),
    Column("slots", Integer, nullable=False, server_default="1"),
    Column("sweep", String(80)),
    Column("reserved_hours", Float, nullable=False, server_default="0"),
    Column("seconds", Float, nullable=False, server_default="0"),
    Column("clock", String(255), nullable=False, server_default=""),
    Column("begun", Float, nullable=False, server_default="0"),
    Index("attempts_by_state", "state", "sweep"),
)
"""`seconds`: how long an attempt has run, as of its scheduler's last heartbeat, or in all. `clock` is the machine whose
monotonic clock showed `begun` at its start. `started`, `heartbeat` and `ended` are for people (jobs.machine.clock)."""

shards = Table(
    "shards",
    metadata,
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
    Index("shards_by_digest", "digest"),
)

trials = Table(
    "trials",
    metadata,
    Column("sweep", String(80), ForeignKey("sweeps.name"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("search", String(64), primary_key=True),
    Column("parameters", JSON, nullable=False),
    Column("distributions", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("value", Float),
)

schedulers = Table(
    "schedulers",
    metadata,
    Column("name", String(120), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("cluster", String(255), nullable=False, server_default=""),
    Column("slots", Integer, nullable=False, server_default="0"),
    Column("widest", Integer, nullable=False, server_default="0"),
    Column("beat", Float, nullable=False, server_default="0"),
)
"""`beat` is the reading of the monotonic clock of its machine at the last heartbeat; `heartbeat` is for people."""

nodes = Table(
    "nodes",
    metadata,
    Column("cluster", String(255), primary_key=True),
    Column("name", String(80), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("good", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("checked", Float, nullable=False),
    Column("until", Float),
)

records = Table(
    "records",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("content", JSON, nullable=False),
    Column("imported", Float, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", Float, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("sweep", String(80)),
    Column("entry", String(120)),
    Column("key", String(64)),
    Column("who", String(120), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("events_by_sweep", "sweep", "id"),
    Index("events_by_key", "key", "id"),
)
"""What happened, append-only, numbered in the order in which it became visible."""

drivers = Table(
    "drivers",
    metadata,
    Column("sweep", String(80), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("cluster", String(255), nullable=False),
    Column("since", Float, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("beat", Float, nullable=False, server_default="0"),
)
"""Who drives each sweep: a lease that lapses when its heartbeat stops; `beat` as in `schedulers`."""

contents = Table(
    "contents",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("size", BigInteger),
    Column("created", Float, nullable=False),
)
"""Every content of the file store; the size of those from before version 0005 is not known."""

content_links = Table(
    "content_links",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("role", String(8), primary_key=True),
    Column("name", String(255), primary_key=True),
    Index("content_links_by_key", "key"),
)
"""Which job "makes" or "reads" a content, under which name of its outputs or inputs."""

file_stores = Table(
    "file_stores",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("location", Text, nullable=False),
    Column("host", String(255)),
    Column("recorded", Float, nullable=False),
)
"""Where the contents of this database lie: one row, written by the first run."""

entries = Table(
    "entries",
    metadata,
    Column("sweep", String(80), ForeignKey("sweeps.name"), primary_key=True),
    Column("name", String(120), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("content", JSON, nullable=False),
    Column("evidence", JSON, nullable=False),
    Column("updated", Float, nullable=False),
    Column("withdrawn", Text),
)
"""The read model: one leaderboard entry each, with the digests of its evidence."""

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("scope", String(8), nullable=False),
    Column("owner", String(120), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float),
    Column("revoked", Float),
    Column("used", Float),
)
"""Who may use the service: `digest` is that of the token's secret half, which is stored nowhere."""

submissions = Table(
    "submissions",
    metadata,
    Column("ticket", String(32), primary_key=True),
    Column("sweep", String(80), nullable=False),
    Column("version", Integer, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("file", Text, nullable=False),
    Column("assignments", JSON, nullable=False),
    Column("files", JSON, nullable=False),
    Column("owner", String(120), nullable=False),
    Column("agent", String(120)),
    Column("tags", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("created", Float, nullable=False),
    Index("submissions_by_sweep", "sweep", "version", unique=True),
    Index("submissions_by_state", "state"),
)
"""Sweep files that wait for somebody to drive them, and those that were driven, a row for each version of a sweep."""

shares = Table(
    "shares",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("sweep", String(80), nullable=False),
    Column("entry", String(120)),
    Column("owner", String(120), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("revoked", Float),
    Column("used", Float),
)
"""Links that show one sweep, or one entry of it, without a login; `digest` as in `tokens`."""

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("form", String(16), nullable=False),
    Column("url", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("owner", String(120), nullable=False),
    Column("created", Float, nullable=False),
    Column("cursor", Integer, nullable=False),
    Column("delivered", Integer, nullable=False, server_default="0"),
    Column("given_up", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("next_try", Float),
    Column("error", Text),
    Column("last_sent", Float),
)
"""Where notices are sent: `cursor` is the number of the last notice that was delivered or given up. The address and the
secret of its signatures are kept as they are, since both are used; no method for people returns them."""

notices = Table(
    "notices",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("time", Float, nullable=False),
    Column("kind", String(24), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("data", JSON, nullable=False),
    Column("webhook", String(16)),
)
"""What webhooks are to send, in order; `webhook` is the only one that is to send it, if any."""

notice_watch = Table(
    "notice_watch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("event", Integer, nullable=False),
    Column("seen", JSON, nullable=False),
)
"""One row: the last event that notices were made of, and what was known of boards, budgets and nodes then."""

notice_senders = Table(
    "notice_senders",
    metadata,
    Column("duty", String(16), primary_key=True),
    Column("name", String(120), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("heartbeat", Float, nullable=False),
    Column("beat", Float, nullable=False, server_default="0"),
)
"""Which process makes and sends notices: a lease like that of a driver."""


def make_tables(connection: Connection, version: str) -> None:
    """Make all tables in an empty database, and note their version where the migrations look for it."""
    metadata.create_all(connection, checkfirst=False)
    noted = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
    noted.create(connection, checkfirst=False)
    connection.execute(noted.insert().values(version_num=version))
