"""Share links; webhooks with their notices, and who sends them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shares",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sweep", sa.String(80), nullable=False),
        sa.Column("entry", sa.String(120)),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("expires", sa.Float(), nullable=False),
        sa.Column("revoked", sa.Float()),
        sa.Column("used", sa.Float()),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("form", sa.String(16), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("kinds", sa.JSON(), nullable=False),
        sa.Column("owner", sa.String(120), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("given_up", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_try", sa.Float()),
        sa.Column("error", sa.Text()),
        sa.Column("last_sent", sa.Float()),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("webhook", sa.String(16)),
    )
    op.create_table(
        "notice_watch",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("event", sa.Integer(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_table(
        "notice_senders",
        sa.Column("duty", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("heartbeat", sa.Float(), nullable=False),
        sa.Column("beat", sa.Float(), nullable=False, server_default="0"),
    )
