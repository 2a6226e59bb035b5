"""Backends that draw a batch of pictures: a run's checkpoint, a saved model, or a server."""
