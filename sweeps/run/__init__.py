"""Running a sweep: its driver, sessions, roles and cancelling."""
