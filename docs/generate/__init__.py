"""What writes the generated parts of the pages, from the code itself, and the pictures."""
