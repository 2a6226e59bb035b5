"""Motions in 3D: humanoid motion from files, rigs, retargeting, the camera. No TensorFlow."""
