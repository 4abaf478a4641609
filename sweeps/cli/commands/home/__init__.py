"""Commands on the sweeps of a home, whoever runs them: demo, ls, watch, open, retry, export."""
