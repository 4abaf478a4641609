"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "jobs",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("job", sa.Text(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("places", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.String(120)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("checkpoint", sa.String(64)),
        sa.Column("outputs", sa.JSON()),
        sa.Column("reason", sa.Text()),
        sa.Column("finished", sa.Float()),
        sa.Column("seconds", sa.Float()),
    )
    op.create_index("jobs_by_state", "jobs", ["state", "priority", "number"])
    op.create_table(
        "schedulers",
        sa.Column("name", sa.String(120), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("heartbeat", sa.Float(), nullable=False),
    )
    op.create_table(
        "sweeps",
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
    )
    op.create_table(
        "attempts",
        sa.Column("key", sa.String(64), sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("scheduler", sa.String(120), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("workdir", sa.Text(), nullable=False),
        sa.Column("versions", sa.JSON(), nullable=False),
        sa.Column("commit", sa.String(48)),
        sa.Column("started", sa.Float(), nullable=False),
        sa.Column("heartbeat", sa.Float(), nullable=False),
        sa.Column("ended", sa.Float()),
        sa.Column("reason", sa.Text()),
        sa.Column("log", sa.Text()),
        sa.Column("peak_bytes", sa.BigInteger()),
        sa.Column("cost", sa.Float()),
    )
    op.create_table(
        "shards",
        sa.Column("key", sa.String(64), sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("index", sa.Integer(), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
    )
    op.create_table(
        "sweep_jobs",
        sa.Column("sweep", sa.String(80), sa.ForeignKey("sweeps.name"), primary_key=True),
        sa.Column("key", sa.String(64), sa.ForeignKey("jobs.key"), primary_key=True),
        sa.Column("label", sa.Text(), nullable=False),
    )
    op.create_table(
        "trials",
        sa.Column("sweep", sa.String(80), sa.ForeignKey("sweeps.name"), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True),
        sa.Column("search", sa.String(64), primary_key=True),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("distributions", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("value", sa.Float()),
    )
