"""What one scheduler holds in memory: claimed jobs, running attempts, loaded artifacts."""
