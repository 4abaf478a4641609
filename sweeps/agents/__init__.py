"""For programs and agents that work in a loop: runs in the background, waiting with a limit, and the MCP server."""
