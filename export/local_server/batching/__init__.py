"""Requests gathered into batches."""
