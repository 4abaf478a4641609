"""What many readers ask for, made once: answers until something changes, and the newest events for all streams."""
