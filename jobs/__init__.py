"""A unit of work as data: frozen specs with a content key, what came of them, and where that is kept."""
