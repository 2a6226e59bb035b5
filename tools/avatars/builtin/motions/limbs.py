"""Limbs of two bones: how they must turn so that the hand or ankle gets where it should."""

from __future__ import annotations

import numpy as np

from psgan_tf.motion.transforms import quaternions_from_matrices, rotate_vectors
from tools.avatars.builtin.shapes.curves import FloatArray

# A limb is never pulled quite straight: near that, small steps of the hand would jerk the elbow.
_LONGEST_REACH = 0.9995


def turned_about(axis: FloatArray, degrees: FloatArray | float) -> FloatArray:
    """[..., 4]: quaternions that turn by [...] degrees about a unit axis [3]."""
    half = np.radians(np.asarray(degrees, np.float64)) / 2.0
    return np.concatenate([np.sin(half)[..., None] * axis, np.cos(half)[..., None]], axis=-1)


def _flexion_degrees(
    first: FloatArray, second: FloatArray, hinge: FloatArray, reach: FloatArray
) -> FloatArray:
    """How far the hinge between two bones opens when their ends are [...] `reach` apart."""
    along = float((first + second) @ hinge)
    flat_first, flat_second = first - (first @ hinge) * hinge, second - (second @ hinge) * hinge
    a, b = float(np.linalg.norm(flat_first)), float(np.linalg.norm(flat_second))
    cosine = (reach**2 - along**2 - a**2 - b**2) / (2.0 * a * b)
    at_rest = np.arctan2(np.cross(flat_first, flat_second) @ hinge, flat_first @ flat_second)
    flexion = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)) - at_rest)
    return np.asarray(np.maximum(flexion, 0.0))


def _frames(main: FloatArray, side: FloatArray) -> FloatArray:
    """[..., 3, 3]: right-handed axes, the first along `main`, the second nearest to `side`."""
    first = main / np.linalg.norm(main, axis=-1, keepdims=True)
    second = side - (side * first).sum(axis=-1, keepdims=True) * first
    second = second / np.linalg.norm(second, axis=-1, keepdims=True)
    return np.stack([first, second, np.cross(first, second)], axis=-1)


def bend_limb(
    first: FloatArray, second: FloatArray, hinge: FloatArray, target: FloatArray, pole: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Turns a limb so that its end comes to `target` and its middle joint points to `pole`.

    Args:
        first, second: [3] the two bones at rest.
        hinge: [3] unit axis that the second bone turns about, by positive angles only.
        target: [..., 3] the end seen from the limb's root; drawn nearer where out of reach.
        pole: [..., 3] direction in which the knee or elbow points.

    Returns:
        [..., 4] the first bone's rotation, and [...] the angle about the hinge in degrees.
    """
    longest = _LONGEST_REACH * float(np.linalg.norm(first) + np.linalg.norm(second))
    reach = np.minimum(np.linalg.norm(target, axis=-1), longest)
    flexion = _flexion_degrees(first, second, hinge, reach)
    end = first + rotate_vectors(turned_about(hinge, flexion), second)
    # The middle joint stands off the line from root to end, to the side that the hinge decides.
    middle = -np.cross(hinge, end)
    rotation = _frames(target, pole) @ np.swapaxes(_frames(end, middle), -1, -2)
    return quaternions_from_matrices(rotation), flexion
