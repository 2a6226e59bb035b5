"""Smooth surfaces from few numbers: lofts through rings, sheets, and tubes along curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.shapes.curves import FloatArray

IntArray = np.ndarray


class Mesh(NamedTuple):
    """Triangles without a material yet.

    Attributes:
        positions: [V, 3] float64.
        uvs: [V, 2] float64: u across (around a loft), v along it, both 0 to 1.
        triangles: [T, 3] int64, counter-clockwise seen from outside.
    """

    positions: FloatArray
    uvs: FloatArray
    triangles: IntArray


def grid_triangles(rows: int, columns: int) -> IntArray:
    """[T, 3]: the triangles of a grid of vertices, numbered row after row."""
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    lower = np.stack([first, first + 1, first + columns + 1], axis=1)
    upper = np.stack([first, first + columns + 1, first + columns], axis=1)
    return np.stack([lower, upper], axis=1).reshape(-1, 3)


def grid_uvs(rows: int, columns: int) -> FloatArray:
    """[rows * columns, 2]: u along the columns, v along the rows."""
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return np.stack([u.ravel(), v.ravel()], axis=1)


def signed_volume(positions: FloatArray, triangles: IntArray) -> float:
    """Above 0 where the triangles of a closed surface face outward."""
    a, b, c = (positions[triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def outward(mesh: Mesh) -> Mesh:
    """The mesh with its triangles turned so that a closed (or nearly closed) surface faces out."""
    middle = mesh.positions.mean(axis=0)
    if signed_volume(mesh.positions - middle, mesh.triangles) >= 0:
        return mesh
    return mesh._replace(triangles=mesh.triangles[:, ::-1])


def facing(mesh: Mesh, direction: ArrayLike) -> Mesh:
    """The mesh with its triangles turned so that on the whole they face `direction` ([3])."""
    a, b, c = (mesh.positions[mesh.triangles[:, corner]] for corner in range(3))
    if float(np.cross(b - a, c - a).sum(axis=0) @ np.asarray(direction)) >= 0:
        return mesh
    return mesh._replace(triangles=mesh.triangles[:, ::-1])


def loft(rings: FloatArray, cap_start: bool = False, cap_end: bool = False) -> Mesh:
    """A skin over closed rings, facing outward.

    Args:
        rings: [R, S, 3]; the last point of a ring is joined to its first by a seam of the texture.
        cap_start, cap_end: close the end with a fan around the ring's middle.
    """
    rings = np.asarray(rings, np.float64)
    closed = np.concatenate([rings, rings[:, :1]], axis=1)
    rows, columns = closed.shape[:2]
    positions = [closed.reshape(-1, 3)]
    uvs, triangles = [grid_uvs(rows, columns)], [grid_triangles(rows, columns)]
    count = rows * columns
    for wanted, row, turned in ((cap_start, 0, True), (cap_end, rows - 1, False)):
        if wanted:
            edge = row * columns + np.arange(columns)
            fan = np.stack([edge[:-1], edge[1:], np.full(columns - 1, count)], axis=1)
            triangles.append(fan[:, ::-1] if turned else fan)
            positions.append(rings[row].mean(axis=0, keepdims=True))
            uvs.append(np.array([[0.5, row / max(rows - 1, 1)]]))
            count += 1
    return outward(Mesh(np.concatenate(positions), np.concatenate(uvs), np.concatenate(triangles)))


def sheet(points: FloatArray, direction: ArrayLike) -> Mesh:
    """An open surface over a grid of points [R, C, 3], facing `direction` ([3]) on the whole."""
    points = np.asarray(points, np.float64)
    rows, columns = points.shape[:2]
    mesh = Mesh(points.reshape(-1, 3), grid_uvs(rows, columns), grid_triangles(rows, columns))
    return facing(mesh, direction)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0] + [len(mesh.positions) for mesh in meshes])
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.uvs for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]
        ),
    )


def unit(vectors: ArrayLike) -> FloatArray:
    """[..., 3] at length 1."""
    vectors = np.asarray(vectors, np.float64)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def tangents(path: FloatArray) -> FloatArray:
    """[R, 3] unit directions along a path."""
    return unit(np.gradient(path, axis=0))


def frames_along(path: FloatArray, side: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Two directions across a path at each of its points, carried along it without twisting.

    Args:
        path: [R, 3].
        side: [3], about where the first direction points at the start.

    Returns:
        ([R, 3], [R, 3]) unit vectors at right angles to the path and to each other.
    """
    along = tangents(path)
    sides = np.empty_like(path)
    carried = np.asarray(side, np.float64)
    if np.linalg.norm(np.cross(carried, along[0])) < 1e-3 * np.linalg.norm(carried):
        carried = np.roll(carried, 1)  # it pointed along the path
    for row, direction in enumerate(along):
        carried = unit(carried - direction * (carried @ direction))
        sides[row] = carried
    return sides, np.cross(along, sides)


def tube(
    path: FloatArray,
    radii: ArrayLike,
    num_sides: int,
    side: ArrayLike = (0.0, 0.0, 1.0),
    cap_start: bool = True,
    cap_end: bool = True,
) -> Mesh:
    """A tube along a path.

    Args:
        path: [R, 3].
        radii: [R], or [R, 2] along `side` and across it; a single number for all.
        num_sides: corners of a ring.
        side: [3], where the first corner lies at the start.
        cap_start, cap_end: close the ends.
    """
    path = np.asarray(path, np.float64)
    radii = np.asarray(radii, np.float64)
    if radii.ndim < 2:
        radii = np.broadcast_to(radii, (len(path),))[:, None].repeat(2, axis=1)
    first, second = frames_along(path, side)
    angles = 2.0 * np.pi * np.arange(num_sides) / num_sides
    cosine, sine = np.cos(angles)[None, :, None], np.sin(angles)[None, :, None]
    rings = (
        path[:, None]
        + cosine * (first * radii[:, :1])[:, None]
        + sine * (second * radii[:, 1:])[:, None]
    )
    return loft(rings, cap_start, cap_end)
