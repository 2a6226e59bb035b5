"""Rates of reading training data."""
