"""Where the contents lie, and entries that were withdrawn."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Add the table and the column; the next run of a sweep fills the table."""
    op.create_table(
        "file_stores",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("host", sa.String(255)),
        sa.Column("recorded", sa.Float(), nullable=False),
    )
    op.add_column("entries", sa.Column("withdrawn", sa.Text()))
