"""This machine: its machine class, its hardware, its software, and its identity."""
