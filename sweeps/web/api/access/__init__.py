"""Endpoints of what opens the service to others: tokens, share links, webhooks."""
