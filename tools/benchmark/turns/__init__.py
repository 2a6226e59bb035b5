"""Processes that are measured in turn."""
