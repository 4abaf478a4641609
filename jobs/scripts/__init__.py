"""A participant's own script: read, checked, run unchanged in an empty folder, and what it leaves."""
