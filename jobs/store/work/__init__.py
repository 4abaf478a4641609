"""Jobs in the store: claiming, attempts, cancelling, and what they cost."""
