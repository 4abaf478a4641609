"""Who may do what, checked before anything of a request is read."""
