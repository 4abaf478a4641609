"""From a script's bytes to its syntax trees: unpacked, and parsed whatever version of Python it is for."""
