"""What people and agents change over HTTP: submitting sweeps, and deciding about them. Pages and the API share it."""
