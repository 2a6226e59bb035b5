"""A client of TensorFlow Serving's gRPC interface; knows no characters."""
