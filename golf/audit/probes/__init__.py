"""The probes of an audit: what each one changes in the input, and what a legal scorer must return for it."""
