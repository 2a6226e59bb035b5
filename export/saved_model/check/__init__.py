"""A SavedModel loaded and run as a C++ server does, in a process of its own."""
