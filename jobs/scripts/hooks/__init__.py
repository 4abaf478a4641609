"""What is loaded into a script's own processes, by path: a C library, or where none can be built, a Python module."""
