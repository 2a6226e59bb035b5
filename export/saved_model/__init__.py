"""Export of a checkpoint to a SavedModel, and the check that a C++ server would take it."""
