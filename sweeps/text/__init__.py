"""Text as it leaves the program: escaped, and in the width and encoding of its reader."""
