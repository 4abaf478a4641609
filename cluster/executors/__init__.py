"""Running tasks on this machine: gangs, workers, and the processes they start."""
