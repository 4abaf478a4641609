"""How much of a script is read: scripts are untrusted, and reading one must end soon and in little memory."""

MAX_SOURCE_BYTES = 4 * 2**20
"""Of one file, packed or unpacked; the largest public script has 340 kB."""
MAX_LAYERS = 4
"""Wrappers within each other."""
MAX_EVALUATIONS = 100_000
"""Expressions that are followed to find strings, over all files of a script."""
MAX_STRINGS = 400
"""Different strings that one expression may be; one with more counts as unknown."""
MAX_STRING = 4_096
"""Characters of a string that is followed."""
MAX_DEPTH = 12
"""Assignments, calls and loops through which one string is followed."""
