"""Training by several workers: their cluster, their rendezvous, their common decisions."""
