"""Durations and heartbeats by monotonic clocks, which nobody sets."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns; attempts so far took as long as their times say."""
    op.add_column("attempts", sa.Column("seconds", sa.Float(), nullable=False, server_default="0"))
    op.add_column("attempts", sa.Column("clock", sa.String(255), nullable=False, server_default=""))
    op.add_column("attempts", sa.Column("begun", sa.Float(), nullable=False, server_default="0"))
    op.add_column("schedulers", sa.Column("beat", sa.Float(), nullable=False, server_default="0"))
    op.add_column("drivers", sa.Column("beat", sa.Float(), nullable=False, server_default="0"))
    took = "COALESCE(ended, heartbeat) - started"
    op.execute(f"UPDATE attempts SET seconds = CASE WHEN {took} > 0 THEN {took} ELSE 0 END")
