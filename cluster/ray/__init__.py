"""Running tasks on a Ray cluster; the one room that imports Ray."""
