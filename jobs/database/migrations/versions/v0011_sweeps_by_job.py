"""Which sweeps need a job: found without reading all of them."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the index."""
    op.create_index("sweep_jobs_by_key", "sweep_jobs", ["key"])
