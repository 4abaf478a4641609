"""What the native stages do: the only modules that run golf. They are imported where work is done."""
