"""What cases and the world tell each other: correlation, what is kept until somebody waits, who brings it."""
