"""What operators see of the service: a line for each request, and metrics for Prometheus."""
