"""Smooth curves through few numbers: what all shapes of the built-in avatar are drawn with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.floating[Any]]


def smooth_step(value: ArrayLike, low: float, high: float) -> FloatArray:
    """0 below `low`, 1 above `high`, and a smooth rise between them."""
    part = np.clip((np.asarray(value, np.float64) - low) / (high - low), 0.0, 1.0)
    return part * part * (3.0 - 2.0 * part)


def _slopes(steps: FloatArray, rises: FloatArray) -> FloatArray:
    """[K, C] tangents at the knots that make no overshoot (Fritsch and Butland's mean)."""
    slopes = np.zeros((len(steps) + 1, rises.shape[1]))
    before, after = rises[:-1], rises[1:]
    weight_before = (2.0 * steps[1:] + steps[:-1])[:, None]
    weight_after = (steps[1:] + 2.0 * steps[:-1])[:, None]
    same = before * after > 0
    safe_before, safe_after = np.where(same, before, 1.0), np.where(same, after, 1.0)
    mean = (weight_before + weight_after) / (
        weight_before / safe_before + weight_after / safe_after
    )
    slopes[1:-1] = np.where(same, mean, 0.0)
    slopes[0], slopes[-1] = rises[0], rises[-1]
    return slopes


def smooth_curve(knots: ArrayLike, values: ArrayLike, places: ArrayLike) -> FloatArray:
    """A smooth curve through given values that never overshoots them (monotone cubic pieces).

    Args:
        knots: [K] rising.
        values: [K] or [K, C], the value at each knot.
        places: [...]; beyond the ends the curve keeps its end values.

    Returns:
        [...] or [..., C].
    """
    knots, values = np.asarray(knots, np.float64), np.asarray(values, np.float64)
    columns = values.reshape(len(knots), -1)
    places = np.clip(np.asarray(places, np.float64), knots[0], knots[-1])
    steps = np.diff(knots)
    slopes = _slopes(steps, np.diff(columns, axis=0) / steps[:, None])
    piece = np.clip(np.searchsorted(knots, places, side="right") - 1, 0, len(steps) - 1)
    step = steps[piece][..., None]
    t = (places - knots[piece])[..., None] / step
    result = (
        (1.0 + 2.0 * t) * (1.0 - t) ** 2 * columns[piece]
        + t * (1.0 - t) ** 2 * step * slopes[piece]
        + t**2 * (3.0 - 2.0 * t) * columns[piece + 1]
        - t**2 * (1.0 - t) * step * slopes[piece + 1]
    )
    return result.reshape(places.shape + values.shape[1:])


def curve_through(points: ArrayLike, count: int) -> FloatArray:
    """[count, 3]: a smooth curve through [K, 3] points, evenly spaced in their order."""
    points = np.asarray(points, np.float64)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    knots = np.concatenate([[0.0], np.cumsum(lengths)])
    before = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    places = np.linspace(0.0, knots[-1], count)
    piece = np.clip(np.searchsorted(knots, places, side="right") - 1, 0, len(lengths) - 1)
    t = ((places - knots[piece]) / lengths[piece])[:, None]
    p0, p1, p2, p3 = (before[piece + shift] for shift in range(4))
    return 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
        + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )  # fmt: skip
