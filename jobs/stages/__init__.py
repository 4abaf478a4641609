"""The stages of work: what each reads, runs and leaves."""
