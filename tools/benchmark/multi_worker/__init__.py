"""Training by several worker processes, each held to a processor core."""
