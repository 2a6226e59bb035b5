"""A local server of SavedModels over the gRPC interface of TensorFlow Serving 2.15, in Python.

It is for tests and for trying a model without a container, and is held to what the stock server
was seen to answer: codes, texts, version states. It is not TensorFlow Serving.
"""
