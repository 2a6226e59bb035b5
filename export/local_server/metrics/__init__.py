"""Metrics in Prometheus's text form."""
