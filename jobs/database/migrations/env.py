"""What alembic runs: the versions on the connection that jobs.database.engine hands over."""

from alembic import context

from jobs.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
