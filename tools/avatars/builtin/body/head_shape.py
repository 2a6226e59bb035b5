"""The shape of her head: horizontal sections from the chin to the crown, and the small nose.

The front of the face is a height over (x, y), so that what is drawn on it (eyes, mouth) can be
laid on exactly; the back is hidden by hair and neck.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.body.proportions import CHIN_HEIGHT, CROWN_HEIGHT
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve
from tools.avatars.builtin.shapes.sweeps import unit

# y; half width; z of the front, of the widest place, of the back; squareness of the front.
_SECTIONS = np.array(
    [
        (1.3250, 0.0060, 0.0640, 0.0540, 0.0460, 2.0),
        (1.3280, 0.0175, 0.0705, 0.0500, 0.0360, 2.0),
        (1.3340, 0.0285, 0.0750, 0.0420, 0.0200, 2.0),
        (1.3440, 0.0425, 0.0785, 0.0300, -0.0020, 2.0),
        (1.3560, 0.0540, 0.0805, 0.0180, -0.0280, 2.05),
        (1.3700, 0.0640, 0.0815, 0.0070, -0.0540, 2.1),
        (1.3850, 0.0712, 0.0820, 0.0000, -0.0740, 2.2),
        (1.4000, 0.0755, 0.0820, -0.0050, -0.0860, 2.3),
        (1.4200, 0.0795, 0.0815, -0.0080, -0.0960, 2.35),
        (1.4450, 0.0820, 0.0850, -0.0100, -0.1030, 2.3),
        (1.4750, 0.0825, 0.0870, -0.0110, -0.1050, 2.15),
        (1.5050, 0.0775, 0.0810, -0.0120, -0.0990, 2.05),
        (1.5300, 0.0650, 0.0660, -0.0130, -0.0850, 2.0),
        (1.5480, 0.0460, 0.0440, -0.0140, -0.0640, 2.0),
        (1.5580, 0.0270, 0.0190, -0.0150, -0.0430, 2.0),
        (1.5620, 0.0020, -0.0130, -0.0150, -0.0170, 2.0),
    ]
)
HEAD_CENTER = np.array([0.0, 1.448, -0.010])

# Reaches of the ball whose normals smooth the face's shading.
_BALL = np.array([0.092, 0.130, 0.100])

# Bumps of the face: x, y, reaches in x and y, height (metres).
_BUMPS = (
    (0.0, 1.3850, 0.0060, 0.0070, 0.0085),  # tip of the nose
    (0.0, 1.3990, 0.0055, 0.0150, 0.0030),  # its bridge
    (0.0, 1.3520, 0.0120, 0.0050, 0.0016),  # lips
    (0.0, 1.3290, 0.0120, 0.0060, 0.0020),  # chin
    (0.0370, 1.4150, 0.0170, 0.0150, -0.0040),  # sockets of the eyes
    (-0.0370, 1.4150, 0.0170, 0.0150, -0.0040),
)


def head_section(heights: ArrayLike) -> FloatArray:
    """[..., 5]: half width, front, widest place, back and squareness at heights y."""
    return smooth_curve(_SECTIONS[:, 0], _SECTIONS[:, 1:], heights)


def _bumps(x: FloatArray, y: FloatArray) -> FloatArray:
    total = np.zeros(np.broadcast(x, y).shape)
    for center_x, center_y, reach_x, reach_y, height in _BUMPS:
        total += height * np.exp(
            -(((x - center_x) / reach_x) ** 2) - ((y - center_y) / reach_y) ** 2
        )
    return total


def face_depth(x: ArrayLike, y: ArrayLike) -> FloatArray:
    """Z of the face's surface in front at places (x, y)."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    half, front, widest, _, squareness = np.moveaxis(head_section(y), -1, 0)
    inside = np.clip(1.0 - np.abs(x / half) ** squareness, 0.0, 1.0)
    return widest + (front - widest) * inside ** (1.0 / squareness) + _bumps(x, y)


def head_rings(heights: FloatArray, angles: FloatArray, with_bumps: bool = True) -> FloatArray:
    """[R, S, 3]: points of the head at heights [R] and angles [S] (pi / 2 is in front)."""
    half, front, widest, back, squareness = np.moveaxis(head_section(heights)[:, None], -1, 0)
    cosine, sine = np.cos(angles)[None], np.sin(angles)[None]
    power = np.where(sine >= 0, 2.0 / squareness, 1.0)
    x = half * np.sign(cosine) * np.abs(cosine) ** power
    depth = np.where(sine >= 0, front - widest, widest - back)
    z = widest + depth * np.sign(sine) * np.abs(sine) ** power
    y = np.broadcast_to(heights[:, None], x.shape)
    if with_bumps:
        z = z + np.where(sine > 0, _bumps(x, y), 0.0)
    return np.stack([x, y, z], axis=-1)


def head_heights() -> FloatArray:
    """The heights of the mesh's rings, closer together where the head curves more."""
    return np.concatenate(
        [
            [CHIN_HEIGHT, 1.3262, 1.3285, 1.332, 1.337, 1.343],
            np.linspace(1.350, 1.430, 13),
            np.linspace(1.442, 1.515, 7),
            [1.527, 1.538, 1.547, 1.554, 1.5585, 1.561, CROWN_HEIGHT],
        ]
    )


def rounded_normals(points: FloatArray, normals: FloatArray, roundness: float) -> FloatArray:
    """[N, 3] unit normals between a surface's own (`roundness` 0) and those of a ball (1).

    Args:
        points: [N, 3].
        normals: [N, 3] or [3].
        roundness: 0 to 1.
    """
    ball = unit((points - HEAD_CENTER) / _BALL**2)
    return unit(normals * (1.0 - roundness) + ball * roundness)
