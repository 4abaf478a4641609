"""Nodes that are tried again by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add when."""
    op.add_column("nodes", sa.Column("until", sa.Float()))
