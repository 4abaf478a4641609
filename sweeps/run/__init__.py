"""Running a sweep: sessions, leases, roles, writing entries, submitting and cancelling."""
