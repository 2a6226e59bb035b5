"""Accessories: for the head, the neck and the back."""
