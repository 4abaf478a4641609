"""With a service elsewhere: running jobs for it, and handing sweeps over to it."""
