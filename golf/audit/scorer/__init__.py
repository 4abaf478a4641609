"""Call a scorer safely: check what it returns, limit its time, and measure its precision."""
