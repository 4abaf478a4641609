"""Search: which trials a sweep runs, drawn by samplers so that every run of the file draws the same ones."""
