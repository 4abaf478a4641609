"""The probes of an audit: what each changes, and what a legal scorer must return."""
