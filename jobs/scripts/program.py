"""A participant's script as the program of a gang: it runs unchanged, in an empty folder, and what it leaves is judged."""


