"""A local stand-in for TensorFlow Serving 2.15: its gRPC and REST interfaces, in Python.

It is for tests and for trying a model without a container, and is held to what the stock server
was seen to answer: codes, texts, version states. It is not TensorFlow Serving.
"""
