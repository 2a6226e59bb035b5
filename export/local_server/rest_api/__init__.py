"""The REST interface and its JSON."""
