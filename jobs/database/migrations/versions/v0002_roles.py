"""Roles, budgets, machine classes and failures: what several schedulers and sweeps on one store need."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add columns, the nodes, and every job's machine class."""
    op.add_column("sweeps", sa.Column("reason", sa.Text()))
    op.add_column("sweeps", sa.Column("budget", sa.JSON()))
    op.add_column("sweeps", sa.Column("spent_hours", sa.Float(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("machine", sa.Text(), nullable=False, server_default=""))
    op.add_column("jobs", sa.Column("asked", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("failure", sa.String(32)))
    op.add_column("attempts", sa.Column("node", sa.String(80)))
    op.add_column("attempts", sa.Column("slots", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("attempts", sa.Column("sweep", sa.String(80)))
    op.add_column("attempts", sa.Column("reserved_hours", sa.Float(), nullable=False, server_default="0"))
    op.create_index("attempts_by_state", "attempts", ["state", "sweep"])
    op.add_column("schedulers", sa.Column("cluster", sa.String(255), nullable=False, server_default=""))
    op.add_column("schedulers", sa.Column("slots", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("schedulers", sa.Column("widest", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "nodes",
        sa.Column("cluster", sa.String(255), primary_key=True),
        sa.Column("name", sa.String(80), primary_key=True),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("checked", sa.Float(), nullable=False),
    )
    jobs = sa.table("jobs", sa.column("key"), sa.column("job"), sa.column("machine"))
    connection = op.get_bind()
    for key, job in connection.execute(sa.select(jobs.c.key, jobs.c.job)).all():
        machine = json.loads(job)["machine"]
        del machine["processes"]
        text = json.dumps(machine, sort_keys=True, separators=(",", ":"))
        connection.execute(jobs.update().where(jobs.c.key == key).values(machine=text))
