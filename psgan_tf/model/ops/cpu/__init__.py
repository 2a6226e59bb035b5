"""Faster forms of operations for training on processors."""
