"""Drafts of sweep files, to start from: of the native recipe, and of a participant's own script."""
