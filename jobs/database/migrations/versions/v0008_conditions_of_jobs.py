"""How a job is run without changing a number, and room for the names of a script's stages and files."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

WIDENED = (("jobs", "stage", 16, 64), ("content_links", "name", 40, 255))
"""Table, column, and its length in characters before and after."""


def upgrade() -> None:
    """Add the column, and widen two others."""
    op.add_column("jobs", sa.Column("conditions", sa.JSON(), nullable=False, server_default="{}"))
    if op.get_bind().dialect.name != "sqlite":
        for table, column, before, after in WIDENED:
            op.alter_column(table, column, existing_type=sa.String(before), type_=sa.String(after))
        return
    # SQLite ignores lengths and has no statement to change them; nothing on disk depends on this text
    # (sqlite.org/lang_altertable.html, "Making Other Kinds Of Table Schema Changes").
    version = op.get_bind().exec_driver_sql("PRAGMA schema_version").scalar_one()
    op.execute("PRAGMA writable_schema=ON")
    for table, column, before, after in WIDENED:
        old, new = f"{column} VARCHAR({before})", f"{column} VARCHAR({after})"
        op.execute(f"UPDATE sqlite_master SET sql = replace(sql, '{old}', '{new}') WHERE name = '{table}'")
    op.execute(f"PRAGMA schema_version={version + 1}")
    op.execute("PRAGMA writable_schema=OFF")
