"""PSGAN: pose-conditioned full-body character generation at up to 1024 x 1024 pixels."""

__version__ = "0.1.0"
