"""Versions of models: loading, switching, warm-up, prediction."""
