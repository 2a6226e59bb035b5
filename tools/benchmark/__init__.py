"""Measurements, one module a subject: `python -m tools.benchmark render`."""
