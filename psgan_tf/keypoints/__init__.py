"""Poses in 2D: schemas, conversion, placement in the frame, drawing, smoothing, pose files."""
