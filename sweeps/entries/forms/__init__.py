"""What an evaluation takes from its jobs and their attempts: read when it is written, and again when it is checked."""
