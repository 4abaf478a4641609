"""Commands of `golfsweep`; each module registers the commands of one purpose."""
