"""Pixels in and out: reading, squares, pyramids, text in PNGs, contact sheets, matting."""
