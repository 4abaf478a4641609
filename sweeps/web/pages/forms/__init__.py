"""Pages by which people decide: about sweeps and jobs, what to submit, and whom to show it."""
