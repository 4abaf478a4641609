"""Documents in short, for agents: the facts on which the next step depends, in at most 2 kB."""
