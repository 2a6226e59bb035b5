"""Measures of pictures: overlap of silhouettes with the pose's, flicker from frame to frame."""
