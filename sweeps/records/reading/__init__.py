"""Reading a record folder: its files, its logs, and the claims of its submission.json."""
