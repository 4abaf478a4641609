"""What is wrong in a sweep file: names, settings, settings that do not go together, corners of a search space."""
