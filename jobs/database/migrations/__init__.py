"""Changes of the store's tables, one module a version, run by jobs.store through alembic."""
