"""Surfaces into pixels: skinning, rasterization, shading, compiled kernels."""
