"""Training and generation steps: cases, the process of each, and the peer."""
