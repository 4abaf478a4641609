"""`python -m sweeps.cli` is `golfsweep`."""

from sweeps.cli import main

main()
