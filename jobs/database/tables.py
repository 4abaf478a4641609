"""The tables of the store; jobs/migrations makes them, tests/jobs/test_store.py holds the two together."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
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
)

jobs = Table(
    "jobs",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
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
    Column("asked", Integer, nullable=False, server_default="0"),
    Index("jobs_by_state", "state", "priority", "number"),
)

sweep_jobs = Table(
    "sweep_jobs",
    metadata,
    Column("sweep", String(80), ForeignKey("sweeps.name"), primary_key=True),
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("label", Text, nullable=False),
)

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
    Index("attempts_by_state", "state", "sweep"),
)

shards = Table(
    "shards",
    metadata,
    Column("key", String(64), ForeignKey("jobs.key"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("digest", String(64), nullable=False),
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
)

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
