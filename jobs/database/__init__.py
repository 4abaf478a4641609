"""The database: connecting to SQLite or PostgreSQL, its tables, and their migrations."""
