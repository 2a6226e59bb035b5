"""Small solid things that accessories are made of: turned shapes, bows, tapered spikes, plates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.hair.hair_strands import SKULL_CENTER, SKULL_REACH, on_head
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve
from tools.avatars.builtin.shapes.sweeps import Mesh, frames_along, joined, loft, tube, unit

# How far hats stand off the skull, so that hair fits under them.
HAT_LIFT = 0.024


def moved(mesh: Mesh, offset: ArrayLike) -> Mesh:
    """The mesh at another place."""
    return mesh._replace(positions=mesh.positions + np.asarray(offset, float))


def rotated(mesh: Mesh, axis: int, degrees: float, center: ArrayLike = (0.0, 0.0, 0.0)) -> Mesh:
    """The mesh turned about an axis (0, 1, 2 for x, y, z) through a point."""
    angle = np.radians(degrees)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    offset = mesh.positions - np.asarray(center, float)
    return mesh._replace(positions=offset @ matrix.T + center)


def flipped(mesh: Mesh) -> Mesh:
    """The mirror image: x turned round."""
    return mesh._replace(
        positions=mesh.positions * [-1.0, 1.0, 1.0], triangles=mesh.triangles[:, ::-1]
    )


def pair(mesh: Mesh) -> Mesh:
    """A mesh of the left side with its mirror image."""
    return joined([mesh, flipped(mesh)])


def turned(
    center: ArrayLike,
    outline: Sequence[tuple[float, float]],
    sides: int = 24,
    squash: tuple[float, float] = (1.0, 1.0),
    cap_start: bool = True,
    cap_end: bool = True,
) -> Mesh:
    """A shape turned about the vertical axis through `center`.

    Args:
        center: [3].
        outline: (radius, height above the centre) of its rings.
        sides: corners of a ring.
        squash: factors of the radius along x and z.
        cap_start, cap_end: close the ends.
    """
    angle = 2.0 * np.pi * np.arange(sides) / sides
    rings = [
        np.stack([radius * squash[0] * np.cos(angle), np.full(sides, height),
                  radius * squash[1] * np.sin(angle)], axis=1)
        for radius, height in outline
    ]  # fmt: skip
    return loft(np.array(rings) + np.asarray(center, float), cap_start, cap_end)


def ball(center: ArrayLike, radius: ArrayLike, sides: int = 12, rows: int = 7) -> Mesh:
    """An ellipsoid; `radius` is a number or [3]."""
    polar = np.linspace(0.06, np.pi - 0.06, rows)
    shape = turned((0, 0, 0), [(np.sin(p), -np.cos(p)) for p in polar], sides)
    return shape._replace(positions=shape.positions * radius + np.asarray(center, float))


def dome(lift: float, bottom: float, sides: int = 24, rows: int = 7, puff: float = 0.0) -> Mesh:
    """A cap over the hair from a fall (see `hair_strands.on_head`) up to the crown.

    Args:
        lift: metres outside the skull.
        bottom: fall of its edge.
        sides, rows: of the grid.
        puff: how much higher the crown is, metres.
    """
    azimuth = 360.0 * np.arange(sides) / sides
    falls = np.linspace(bottom, 0.05, rows)
    rings = on_head(azimuth[None, :], falls[:, None], np.full((rows, 1), lift))
    rings[..., 1] += puff * (1.0 - falls[:, None] / bottom)
    return loft(rings, cap_start=False, cap_end=True)


def head_ring(lift: float, fall: float, height: float, thickness: float, sides: int = 24) -> Mesh:
    """A band round the head at a fall, so high and thick."""
    azimuth = 360.0 * np.arange(sides) / sides
    rings = []
    for up, out in ((0.0, 0.0), (0.0, thickness), (height, thickness), (height, 0.0), (0.0, 0.0)):
        ring = on_head(azimuth, np.full(sides, fall), np.full(sides, lift + out))
        ring[:, 1] += up
        rings.append(ring)
    return loft(np.array(rings))


def ribbon_strip(path: ArrayLike, width: float, side: ArrayLike, thickness: float = 0.004) -> Mesh:
    """A flat band along a path, `side` across it."""
    path = np.asarray(path, float)
    radii = np.stack([np.full(len(path), width / 2), np.full(len(path), thickness / 2)], axis=1)
    return tube(path, radii, 6, side)


def bow(
    center: ArrayLike, width: float, height: float, tails: float = 0.0, facing: float = 1.0
) -> Mesh:
    """A bow that faces forward (or, at -1, back): two loops, a knot and two tails.

    Args:
        center: [3] of the knot.
        width, height: of the loops, metres.
        tails: length of the ends that hang down; 0 for none.
        facing: 1 or -1.
    """
    part = np.linspace(0.0, 1.0, 6)[:, None]
    path = part * np.array([width / 2, 0.10 * height, -0.004 * facing])
    tall = smooth_curve([0, 0.45, 0.9, 1], [0.25, 0.85, 1.0, 0.80], part[:, 0]) * height / 2
    deep = smooth_curve([0, 0.5, 1], [0.006, 0.5, 0.30], part[:, 0]) * height * 0.32
    loop = tube(path, np.stack([tall, deep], axis=1), 10, (0.0, 1.0, 0.0))
    knot = ball((0.0, 0.0, 0.003 * facing), (0.13 * width, 0.26 * height, 0.20 * height), 8, 5)
    pieces = [pair(loop), knot]
    if tails:
        hang = np.array([[0.0, 0.0, 0.0], [0.10 * width, -0.45 * tails, 0.004 * facing],
                         [0.22 * width, -tails, 0.002 * facing]])  # fmt: skip
        pieces.append(pair(ribbon_strip(hang, 0.24 * width, (1.0, 0.3, 0.0))))
    mesh = joined(pieces)
    return moved(mesh, center)


def spike(
    path: ArrayLike, radius: float, sides: int = 10, flat: float = 1.0, root: float = 1.0
) -> Mesh:
    """A cone along a path: ears, horns, tails. `flat` thins it across."""
    path = np.asarray(path, float)
    part = np.linspace(0.0, 1.0, len(path))
    radii = radius * smooth_curve([0.0, 0.35, 1.0], [root, 0.82, 0.04], part)
    return tube(path, np.stack([radii, radii * flat], axis=1), sides, (1.0, 0.0, 0.0))


def plate(
    outline: ArrayLike,
    thickness: float,
    normal: ArrayLike = (0.0, 0.0, 1.0),
    middle: ArrayLike | None = None,
) -> Mesh:
    """A flat piece, a little arched.

    Args:
        outline: [K, 3], all of it in sight of `middle`.
        thickness: metres.
        normal: [3], which way it faces.
        middle: [3]; None for the mean of the outline.
    """
    outline = np.asarray(outline, float)
    normal = unit(np.asarray(normal, float))
    middle = outline.mean(axis=0) if middle is None else np.asarray(middle, float)
    inner = middle + 0.8 * (outline - middle)
    hub = np.broadcast_to(middle, inner.shape)
    half = normal * thickness / 2
    return loft(np.array([hub - half, inner - half, outline, inner + half, hub + half]))


def star(center: ArrayLike, radius: float, points: int = 5, thickness: float = 0.010) -> Mesh:
    """A star that faces forward."""
    angle = np.pi / 2 + np.pi * np.arange(2 * points) / points
    reach = radius * np.where(np.arange(2 * points) % 2 == 0, 1.0, 0.48)
    outline = np.stack([reach * np.cos(angle), reach * np.sin(angle), 0 * angle], axis=1)
    return plate(outline + np.asarray(center, float), thickness)


def flower(center: ArrayLike, radius: float, facing: ArrayLike, petals: int = 5) -> Mesh:
    """Petals around a place, facing a direction."""
    facing = unit(np.asarray(facing, float))
    first, second = frames_along(np.array([[0, 0, 0], facing]), (0.0, 1.0, 0.0))
    meshes = []
    for angle in 2.0 * np.pi * np.arange(petals) / petals:
        out = np.cos(angle) * first[0] + np.sin(angle) * second[0]
        across = np.cross(facing, out)
        steps = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False)[:, None]
        ring = (
            np.asarray(center, float)
            + out * radius * (0.58 + 0.45 * np.cos(steps))
            + across * radius * 0.36 * np.sin(steps)
            + facing * (0.006 + 0.004 * np.cos(steps))
        )
        meshes.append(plate(ring, 0.006, facing))
    return joined(meshes)


def head_top(height: float = 0.0) -> FloatArray:
    """[3]: the place above the crown, so high above the skull."""
    return np.array([0.0, SKULL_CENTER[1] + SKULL_REACH[1] + height, SKULL_CENTER[2]])
