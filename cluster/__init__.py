"""When and where a job runs: leases, gangs and evaluators; the one package that knows Ray."""
