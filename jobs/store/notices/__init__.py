"""Notices: what webhooks report, where to, and which process sends them."""
