"""Woven and printed patterns: small grey pictures that a garment's colour shines through."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.shapes.part import Picture

_SIZE = 64


def _picture(name: str, grey: np.ndarray) -> Picture:
    pixels = np.rint(np.clip(grey, 0.0, 1.0) * 255.0).astype(np.uint8)
    return Picture(name, np.repeat(pixels[..., None], 3, axis=2))


def _tiled(pattern: np.ndarray, down: int, across: int) -> np.ndarray:
    return np.tile(pattern, (down, across))


def _checks() -> np.ndarray:
    cell = np.ones(16)
    cell[5:10] = 0.72
    cell[13:14] = 0.55
    return _tiled(np.outer(cell, cell), 6, 20)


def _stripes() -> np.ndarray:
    cell = np.ones((8, 8))
    cell[4:] = 0.62
    return _tiled(cell, 12, 1)


def _dots() -> np.ndarray:
    y, x = np.mgrid[0:24, 0:24]
    grey = np.full((24, 24), 0.62)
    for row, column in ((6, 6), (18, 18)):
        grey[(y - row) ** 2 + (x - column) ** 2 <= 10] = 1.0
    return _tiled(grey, 4, 12)


def _flowers() -> np.ndarray:
    y, x = np.mgrid[0:_SIZE, 0:_SIZE]
    grey = np.full((_SIZE, _SIZE), 0.70)
    for row, column, size in ((17, 18, 11.0), (47, 45, 12.0), (50, 12, 7.0), (14, 50, 7.5)):
        angle, radius = np.arctan2(y - row, x - column), np.hypot(y - row, x - column)
        grey[radius < size * (0.62 + 0.38 * np.abs(np.cos(2.5 * angle)))] = 1.0
        grey[radius < size * 0.22] = 0.55
    return _tiled(grey, 2, 6)


CHECKS = _picture("checks", _checks())
STRIPES = _picture("stripes", _stripes())
DOTS = _picture("dots", _dots())
FLOWERS = _picture("flowers", _flowers())
