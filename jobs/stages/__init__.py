"""The stages of work as objects: what each reads, how it is requested, how it runs, and what it leaves."""
