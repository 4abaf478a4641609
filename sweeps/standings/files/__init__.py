"""The files of a record: which folders are entries, their logs, and what tables of results claim of them."""
