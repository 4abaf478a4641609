"""What is measured, each as a module of its own: `python -m benchmarks.NAME`."""
