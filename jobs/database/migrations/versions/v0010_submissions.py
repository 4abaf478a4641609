"""Submitted sweeps: versions of their files, and who takes them."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "submissions",
        sa.Column("ticket", sa.String(32), primary_key=True),
        sa.Column("sweep", sa.String(80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("assignments", sa.JSON(), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("agent", sa.String(120)),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created", sa.Float(), nullable=False),
    )
    op.create_index("submissions_by_sweep", "submissions", ["sweep", "version"], unique=True)
    op.create_index("submissions_by_state", "submissions", ["state"])
