"""When and where a job runs: leases, gangs and workers; the one package that knows Ray."""
