"""TensorFlow's C API: its library, sessions, and statuses as exceptions."""
