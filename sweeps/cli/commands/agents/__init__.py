"""Commands for programs and agents that work in a loop: next, wait, mcp."""
