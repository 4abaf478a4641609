"""When and where a job runs: leases, gangs and workers; the only package that knows Ray."""
