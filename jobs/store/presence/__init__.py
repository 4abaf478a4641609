"""Who and what is alive: schedulers and nodes."""
