"""Readers of poses and motions: files in, keypoint arrays out. Imports no TensorFlow."""
