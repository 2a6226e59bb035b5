"""Strands of hair: tapered locks that follow the head, and a cap under them.

Places on the head are given by (azimuth, fall, lift): degrees from the front towards her left;
0 at the crown, 1 where the head is widest, and from there 10 cm down for each 1; metres outside
the skull.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.body.body_field import pushed_out
from tools.avatars.builtin.body.proportions import JOINT_NAMES
from tools.avatars.builtin.shapes.curves import FloatArray, curve_through, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Picture, ToonMaterial
from tools.avatars.builtin.shapes.sweeps import (
    IntArray,
    Mesh,
    facing,
    grid_triangles,
    grid_uvs,
    loft,
    unit,
)

SKULL_CENTER = np.array([0.0, 1.455, -0.012])
SKULL_REACH = np.array([0.0885, 0.1150, 0.1030])
_METRES_PER_FALL = 0.10

HAIR_COLOR, HAIR_SHADE, HAIR_INK = "#b07a5c", "#7c4c46", "#8c7078"
_TEXTURE_PX = (1024, 256)
_TEXTURE_TOP, _TEXTURE_METRES = 1.60, 1.0
_BASE_TONE, _SHINE_HEIGHT = 0.78, 1.520

# A lock's cross section, from one edge over its back to the other, and its belly: in halves of
# its width across, in its thickness outward.
_SECTION = np.array([(-1.0, -0.10), (-0.50, 0.80), (0.50, 0.80), (1.0, -0.10), (0.0, -0.45)])

_COLUMN = {name: index for index, name in enumerate(JOINT_NAMES)}


class Lock(NamedTuple):
    """One lock of hair.

    Attributes:
        places: [K, 3] azimuth, fall and lift of the points it runs through.
        width: metres at its widest.
        thickness: metres.
        root: its width at the root, relative to the widest.
        rows: cross sections.
    """

    places: Sequence[tuple[float, float, float]]
    width: float
    thickness: float = 0.009
    root: float = 0.55
    rows: int = 10


def on_head(azimuth: ArrayLike, fall: ArrayLike, lift: ArrayLike = 0.0) -> FloatArray:
    """[..., 3]: the place (azimuth, fall, lift)."""
    azimuth, fall, lift = np.broadcast_arrays(np.radians(azimuth), fall, lift)
    polar = np.minimum(fall, 1.0) * np.pi / 2
    reach = SKULL_REACH + lift[..., None]
    below = np.maximum(fall - 1.0, 0.0) * _METRES_PER_FALL
    return SKULL_CENTER + np.stack(
        [
            reach[..., 0] * np.sin(polar) * np.sin(azimuth),
            reach[..., 1] * np.cos(polar) - below,
            reach[..., 2] * np.sin(polar) * np.cos(azimuth),
        ],
        axis=-1,
    )


def away_from_head(points: FloatArray) -> FloatArray:
    """[N, 3] unit vectors out of the head; sideways below its middle."""
    offset = points - SKULL_CENTER
    offset[:, 1] = np.maximum(offset[:, 1], 0.0)
    return unit(offset / SKULL_REACH**2)


def lock_along(
    path: FloatArray,
    widths: FloatArray,
    thicknesses: FloatArray,
    outside: FloatArray,
) -> Mesh:
    """A lock: a flat, rounded band that ends in a point.

    Args:
        path: [R, 3].
        widths, thicknesses: [R] metres.
        outside: [R, 3], which way its back faces.
    """
    along = unit(np.gradient(path, axis=0))
    across = unit(np.cross(along, outside))
    out = np.cross(across, along)
    rings = (
        path[:, None]
        + across[:, None] * (_SECTION[:, :1] * widths[:, None, None] / 2)
        + out[:, None] * (_SECTION[:, 1:] * thicknesses[:, None, None])
    )
    return loft(rings)


def taper(part: FloatArray, root: float = 0.55, widest: float = 0.45) -> FloatArray:
    """[N]: widths at [N] parts (0 to 1) of a lock: from `root` over 1 to a point."""
    return smooth_curve([0.0, widest, 0.78, 1.0], [root, 1.0, 0.74, 0.03], part)


def _rows_of(places: FloatArray, count: int) -> IntArray:
    """[count]: which of [N] places get a ring: most on the head, which is round."""
    turned = np.abs(np.diff(np.minimum(places[:, 1], 1.2))) + 0.02 * np.abs(np.diff(places[:, 0]))
    length = np.abs(np.diff(places[:, 1])) + 0.02 * np.abs(np.diff(places[:, 0]))
    needed = np.concatenate([[0.0], np.cumsum(turned + 0.25 * length + 1e-6)])
    return np.searchsorted(needed, np.linspace(0.0, needed[-1], count) - 1e-9)


def grown(lock: Lock) -> Mesh:
    """The lock's mesh."""
    # A degree is a small step: scaled, the curve's points lie evenly over the head.
    scale = np.array([1.0 / 57.3, 1.0, 10.0])
    places = curve_through(np.array(lock.places, np.float64) * scale, 200) / scale
    rows = _rows_of(places, lock.rows)
    path = on_head(*places[rows].T)
    low = path[:, 1] < 1.30
    if low.any():
        path[low] = pushed_out(path[low], 0.010)
    shape = taper(rows / rows[-1], lock.root)
    return lock_along(path, lock.width * shape, lock.thickness * shape, away_from_head(path))


def mirrored_lock(lock: Lock) -> Lock:
    """The same lock on the other side."""
    return lock._replace(places=[(-azimuth, fall, lift) for azimuth, fall, lift in lock.places])


# Azimuth and how far the hair's edge falls there: over the forehead, the ears, the nape.
_HAIRLINE = ((0, 25, 50, 72, 85, 105, 135, 180), (0.66, 0.68, 0.80, 0.98, 1.30, 1.66, 1.95, 2.06))


def cap(lift: float = 0.004) -> Mesh:
    """The hair's ground: covers the scalp down to the hairline."""
    azimuths = np.linspace(-180.0, 180.0, 33)
    rows = np.linspace(0.0, 1.0, 11)[:, None]
    fall = rows * smooth_curve(*_HAIRLINE, np.abs(azimuths))
    # Below its widest place the skull draws in towards the neck.
    tuck = -0.055 * smooth_step(fall, 1.10, 2.05) + lift * (1 - smooth_step(rows, 0.85, 1.0))
    # The roots of all locks meet at the crown, and end inside the cap.
    tuck = tuck + 0.009 * (1.0 - smooth_step(fall, 0.02, 0.50))
    points = on_head(azimuths, fall, tuck).reshape(-1, 3)
    mesh = Mesh(points, grid_uvs(11, 33), grid_triangles(11, 33))
    return facing(mesh._replace(positions=points), [0.0, 1.0, 0.0])


def hair_uvs(mesh: Mesh, shift: float) -> FloatArray:
    """[V, 2]: u across the lock, v by height, so that the shine lies around the head."""
    across = mesh.uvs[:, 0] * 0.18 + shift
    return np.stack(
        [across % 0.8 + 0.02, (_TEXTURE_TOP - mesh.positions[:, 1]) / _TEXTURE_METRES], 1
    )


def hanging_weights(points: FloatArray, stiffness: float) -> FloatArray:
    """[N, bones]: hair goes with the head; what hangs to the chest goes partly with it.

    Args:
        points: [N, 3].
        stiffness: 0 where the ends lie on the back, 1 where all goes with the head.
    """
    loose = (1.0 - stiffness) * smooth_step(1.36 - points[:, 1], 0.0, 0.26)
    weights = np.zeros((len(points), len(JOINT_NAMES)))
    weights[:, _COLUMN["head"]] = 1.0 - loose
    weights[:, _COLUMN["neck"]] = 0.25 * loose
    weights[:, _COLUMN["upperChest"]] = 0.75 * loose
    return weights


def _draw_strands() -> Picture:
    """Greys that the hair's colour tints: fine strands, and a band of shine with ragged edges."""
    height, width = _TEXTURE_PX
    random = np.random.default_rng(7)
    y = _TEXTURE_TOP - (np.arange(height) + 0.5) / height * _TEXTURE_METRES
    columns = np.linspace(0.0, 1.0, width)
    knots = np.linspace(0.0, 1.0, 45)

    def ragged(reach: float) -> FloatArray:
        return smooth_curve(knots, random.uniform(-reach, reach, 45), columns)

    upper, lower = _SHINE_HEIGHT + 0.007 + ragged(0.006), _SHINE_HEIGHT - 0.009 + ragged(0.010)
    shine = smooth_step(y[:, None] - lower, -0.0015, 0.0015)
    shine = shine * smooth_step(upper - y[:, None], -0.0015, 0.0015)
    fine = smooth_curve(np.linspace(0, 1, 90), random.uniform(-0.035, 0.035, 90), columns)
    tone = _BASE_TONE + fine[None] + 0.06 * smooth_step(1.40 - y, 0.0, 0.35)[:, None]
    tone = tone + (1.0 - tone) * shine
    pixels = np.rint(np.clip(tone, 0, 1) * 255).astype(np.uint8)
    return Picture("hair", np.repeat(pixels[..., None], 3, axis=2))


def hair_material() -> ToonMaterial:
    """`Hair`: one material for all styles."""
    return ToonMaterial(
        "Hair",
        HAIR_COLOR,
        HAIR_SHADE,
        _draw_strands(),
        shading_shift=-0.14,
        outline_color=HAIR_INK,
        outline_mix=1.0,
        outline_metres=0.0013,
    )
