"""Commands of the service: serve, token, webhook, share, work."""
