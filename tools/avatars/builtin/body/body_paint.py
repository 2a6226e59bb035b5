"""The colours of her body: a warm blush at the joints, and the leotard she always wears.

Colours are a function of the place on the body in the T-pose, baked into one texture, so that
limbs that overlap in the mesh agree. They are relative to the skin's colour, which costumes set.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.avatars.builtin.body.proportions import JOINTS
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step
from tools.avatars.builtin.shapes.part import Picture, ToonMaterial

SKIN_COLOR = "#ffe6da"
SKIN_SHADE = "#f2b5a7"
SKIN_INK = "#7a4038"

_TEXTURE_PX = 1024
_LEOTARD = np.array([0.29, 0.36, 0.58])
_TRIM = np.array([0.80, 0.88, 0.98])
_BLUSH = np.array([1.0, 0.90, 0.88])
# The head's shadow on the neck, which the renderer does not cast.
_CHIN_SHADE = np.array([0.95, 0.80, 0.79])

# Per limb, its place in the texture: left, top, right, lower edge, 0 to 1.
_PLACES: Mapping[str, tuple[float, float, float, float]] = {
    "torso": (0.0, 0.0, 1.0, 0.5),
    "leftLeg": (0.0, 0.5, 0.5, 1.0),
    "leftArm": (0.5, 0.5, 0.75, 1.0),
    "leftFoot": (0.75, 0.5, 1.0, 0.75),
}
# Parts without paint take their colour from the middle of an unpainted, white place.
PLAIN_UV = (0.9, 0.9)

_BLUSHES = (
    (JOINTS["leftLowerLeg"] + [0.0, 0.0, 0.045], 0.036),
    (JOINTS["leftLowerArm"] + [0.0, -0.004, -0.026], 0.026),
    (np.array([0.142, 1.250, -0.010]), 0.030),
)


def _outside_oval(x: FloatArray, y: FloatArray, oval: tuple[FloatArray | float, ...]) -> FloatArray:
    """[N] metres, about, outside an oval: centre x and y, reaches along x and y."""
    center_x, center_y, reach_x, reach_y = oval
    ratio = np.hypot((x - center_x) / reach_x, (y - center_y) / reach_y)
    return (ratio - 1.0) * np.minimum(reach_x, reach_y)


def leotard_margin(points: FloatArray) -> FloatArray:
    """[N] metres inside the leotard's edge (below 0: bare skin) of [N, 3] places.

    It has no straps, so that it stays out of sight under bare shoulders.
    """
    x, y, z = np.abs(points[:, 0]), points[:, 1], points[:, 2]
    front = smooth_step(z, -0.03, 0.02)
    over_breast = 0.012 * front * np.exp(-(((x - 0.050) / 0.032) ** 2))
    top = 1.130 + 0.024 * front + over_breast - y
    leg = _outside_oval(x, y, (0.150, 0.735, 0.122, 0.080 + 0.055 * front))
    crotch = np.maximum(y - 0.745, 0.0) + 0.01 * (2.0 * (y > 0.745) - 1.0)
    return np.min([top, leg, crotch, 0.145 - x], axis=0)


def relative_colors(points: FloatArray) -> FloatArray:
    """[N, 3], 0 to 1: what the skin's colour is multiplied by at [N, 3] places of the T-pose."""
    points = np.asarray(points, np.float64).reshape(-1, 3)
    colors = np.ones((len(points), 3))
    folded = points * np.where(points[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    for center, radius in _BLUSHES:
        near = 1.0 - smooth_step(np.linalg.norm(folded - center, axis=1), 0.0, radius)
        colors *= 1.0 - near[:, None] * (1.0 - _BLUSH)
    chin = smooth_step(points[:, 1] - 0.45 * points[:, 2], 1.292, 1.296)
    colors *= 1.0 - chin[:, None] * (1.0 - _CHIN_SHADE)
    margin = leotard_margin(points)
    dressed = smooth_step(margin, -0.0010, 0.0010)[:, None]
    inner = smooth_step(margin, 0.0036, 0.0054)[:, None]
    return colors * (1 - dressed) + dressed * (_TRIM * (1 - inner) + _LEOTARD * inner)


def atlas_uvs(limb: str, uvs: FloatArray) -> FloatArray:
    """[V, 2] a limb's own texture coordinates brought to its place in the texture."""
    left, top, right, bottom = _PLACES[limb]
    edge = 2.0 / _TEXTURE_PX
    start, size = np.array([left, top]) + edge, np.array([right - left, bottom - top]) - 2 * edge
    return start + uvs * size


def _interpolated(grid: FloatArray, rows: FloatArray, columns: FloatArray) -> FloatArray:
    """[H, W, 3]: a grid of places [R, C, 3] read between its points."""
    row = np.clip(rows, 0, len(grid) - 1.001)
    column = np.clip(columns, 0, grid.shape[1] - 1.001)
    i, j = row.astype(int)[:, None], column.astype(int)[None, :]
    a, b = (row % 1)[:, None, None], (column % 1)[None, :, None]
    upper = grid[i, j] * (1 - b) + grid[i, j + 1] * b
    lower = grid[i + 1, j] * (1 - b) + grid[i + 1, j + 1] * b
    return upper * (1 - a) + lower * a


def bake_skin(grids: Mapping[str, FloatArray]) -> Picture:
    """The texture of the body.

    Args:
        grids: limb to its vertices' places [R, C, 3], v along the rows and u along the columns.
    """
    pixels = np.full((_TEXTURE_PX, _TEXTURE_PX, 3), 255, np.uint8)
    for limb, grid in grids.items():
        left, top, right, bottom = (int(part * _TEXTURE_PX) for part in _PLACES[limb])
        height, width = bottom - top, right - left
        rows = (np.arange(height) + 0.5 - 2.0) / (height - 4.0) * (len(grid) - 1)
        columns = (np.arange(width) + 0.5 - 2.0) / (width - 4.0) * (grid.shape[1] - 1)
        places = _interpolated(grid, rows, columns)
        colors = relative_colors(places.reshape(-1, 3)).reshape(height, width, 3)
        pixels[top:bottom, left:right] = np.rint(colors * 255)
    return Picture("skin", pixels)


def skin_material(name: str, texture: Picture | None, shading_shift: float = -0.12) -> ToonMaterial:
    """A material of her skin; costumes recolour all of them by `Skin*`."""
    return ToonMaterial(
        name,
        SKIN_COLOR,
        SKIN_SHADE,
        texture,
        shading_shift=shading_shift,
        outline_color=SKIN_INK,
    )
