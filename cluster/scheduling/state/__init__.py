"""What one scheduler keeps in memory: jobs in flight, running attempts, its policy, contents for tasks."""
