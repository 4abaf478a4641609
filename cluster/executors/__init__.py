"""Running tasks on this machine: gangs, evaluators, and the processes they start."""
