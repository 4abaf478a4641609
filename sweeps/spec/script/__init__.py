"""The section [script] of a sweep file: a participant's script, its stages, and what arms and trials change."""
