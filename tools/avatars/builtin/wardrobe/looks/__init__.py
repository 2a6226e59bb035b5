"""Costumes by occasion, each a list of garments and accessories."""
