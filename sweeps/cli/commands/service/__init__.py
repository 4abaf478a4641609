"""Commands of the service: serve, token, work."""
