"""The project's pages, and what writes their generated parts."""
