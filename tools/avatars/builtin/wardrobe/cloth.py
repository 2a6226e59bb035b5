"""Cloth: grids of places made into parts with hems, linings, and bones that move them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.body.proportions import JOINT_NAMES, JOINTS
from tools.avatars.builtin.body.skin_weights import bound_to, skin_weights
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step
from tools.avatars.builtin.shapes.part import (
    Part,
    Picture,
    ToonMaterial,
    make_part,
    merged,
    mirrored,
)
from tools.avatars.builtin.shapes.sweeps import Mesh, grid_triangles, grid_uvs, unit

# Colours of a part that no costume has coloured yet.
_PLAIN, _PLAIN_SHADE = "#e8e4ea", "#b9b0c8"
_THICKNESS = 0.004

_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}


def cloth_material(
    name: str,
    texture: Picture | None = None,
    double_sided: bool = False,
    outline_metres: float = 0.0011,
    shading_shift: float = -0.05,
) -> ToonMaterial:
    """The material of a part; costumes give it colours."""
    return ToonMaterial(
        name=name,
        color=_PLAIN,
        shade_color=_PLAIN_SHADE,
        texture=texture,
        double_sided=double_sided,
        outline_metres=outline_metres,
        shading_shift=shading_shift,
    )


def grid_normals(points: FloatArray, closed: bool, middle: ArrayLike | None = None) -> FloatArray:
    """[R, C, 3] unit normals of a grid, on the whole away from a place.

    Args:
        points: [R, C, 3].
        closed: the last column lies on the first.
        middle: [3], the place inside; None for the mean of the points.
    """
    down = np.gradient(points, axis=0)
    if closed:
        ring = points[:, :-1]
        across = np.roll(ring, -1, axis=1) - np.roll(ring, 1, axis=1)
        across = np.concatenate([across, across[:, :1]], axis=1)
    else:
        across = np.gradient(points, axis=1)
    normals = unit(np.cross(across, down))
    away = points - (points.reshape(-1, 3).mean(axis=0) if middle is None else middle)
    return normals if (normals * away).sum() >= 0 else -normals


def _hem(points: FloatArray, normals: FloatArray, thickness: float, row: int) -> FloatArray:
    """[1, C, 3]: an edge's row turned to the inside, which shows how thick the cloth is."""
    return points[[row]] - normals[[row]] * thickness


def _with_hems(
    points: FloatArray, weights: FloatArray, normals: FloatArray, thickness: float, ends: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Folds the first ("<") and last (">") rows of a grid to its inside."""
    grids = [points, weights, normals]
    for end, row in (("<", 0), (">", -1)):
        if end in ends:
            extra = [_hem(points, normals, thickness, row), weights[[row]], normals[[row]]]
            grids = [
                np.concatenate([new, grid] if row == 0 else [grid, new])
                for new, grid in zip(extra, grids, strict=True)
            ]
    return grids[0], grids[1], grids[2]


def _swapped(*grids: FloatArray) -> tuple[FloatArray, ...]:
    return tuple(np.swapaxes(grid, 0, 1) for grid in grids)


def cloth(
    name: str,
    slot: str,
    points: FloatArray,
    weights: FloatArray,
    closed: bool = True,
    hems: str = "<>",
    sides: bool = True,
    thickness: float = _THICKNESS,
    material: ToonMaterial | None = None,
    middle: ArrayLike | None = None,
) -> Part:
    """A sheet of cloth as a part.

    Args:
        name: of the part, and of its material where none is given.
        slot: what it is worn as.
        points: [R, C, 3]; a closed grid's last column lies on its first.
        weights: [R, C, J] for `JOINT_NAMES`.
        closed: goes round.
        hems: which ends are folded to the inside: "<" the first row, ">" the last one.
        sides: an open sheet's side edges are folded as well.
        thickness: of the folded edge, metres.
        material: other than the plain one of the part's name.
        middle: [3], a place inside that the cloth faces away from; None for its own middle.
    """
    normals = grid_normals(points, closed, middle)
    grids = _with_hems(points, weights, normals, thickness, hems)
    if not closed and sides:
        grids = _swapped(*_with_hems(*_swapped(*grids), thickness, "<>"))
    points, weights, normals = grids
    rows, columns = points.shape[:2]
    triangles = grid_triangles(rows, columns)
    corners = points.reshape(-1, 3)[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    if (faces * normals.reshape(-1, 3)[triangles[:, 0]]).sum() < 0:
        triangles = triangles[:, ::-1]
    return make_part(
        name,
        slot,
        material or cloth_material(name),
        points,
        triangles,
        JOINT_NAMES,
        weights.reshape(-1, len(JOINT_NAMES)),
        grid_uvs(rows, columns),
    )


def lining(part: Part, name: str) -> Part:
    """The inside of a part: what shows of it under a hem."""
    material = cloth_material(name, outline_metres=0.0, shading_shift=-0.6)
    return replace(
        part,
        name=name,
        material=material,
        normals=-part.normals,
        triangles=part.triangles[:, ::-1],
    )


def solid(
    name: str,
    slot: str,
    mesh: Mesh,
    weights: FloatArray | str,
    material: ToonMaterial | None = None,
) -> Part:
    """A mesh as a part, on one bone (a name) or with weights [V, J] for `JOINT_NAMES`."""
    if isinstance(weights, str):
        weights = bound_to(weights, len(mesh.positions))
    material = material or cloth_material(name)
    return make_part(
        name, slot, material, mesh.positions, mesh.triangles, JOINT_NAMES, weights, mesh.uvs
    )


def both_sides(part: Part) -> Part:
    """A part of the left side together with its mirror image."""
    return merged([part, mirrored(part)], part.name)


def as_one(name: str, parts: Sequence[Part]) -> Part:
    """Parts of one garment and colour under one name."""
    material = replace(parts[0].material, name=name)
    return merged([replace(part, material=material) for part in parts], name)


def weights_of_skin(points: FloatArray) -> FloatArray:
    """[..., J]: how the skin at these places is moved, for a grid of any shape."""
    return skin_weights(points.reshape(-1, 3)).reshape(*points.shape[:-1], len(JOINT_NAMES))


def on_bones(shape: tuple[int, ...], bones: dict[str, FloatArray | float]) -> FloatArray:
    """[*shape, J] weights from a value, or [*shape] of them, for each bone; they are normalised."""
    weights = np.zeros((*shape, len(JOINT_NAMES)))
    for bone, value in bones.items():
        weights[..., _INDEX[bone]] += value
    return weights / weights.sum(axis=-1, keepdims=True)


def skirt_weights(points: FloatArray, follow: float = 1.0) -> FloatArray:
    """[..., J]: hips at the waist; farther down the legs, shared out from left to right.

    Args:
        points: [..., 3].
        follow: how far the cloth goes along with the legs: 1 for short skirts.
    """
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    left = smooth_step(x, -0.085, 0.085)
    # Behind the cloth stays with the hips more, or sitting down would lift it like a wheel.
    behind = 1.0 - 0.45 * smooth_step(-z, 0.0, 0.12) * smooth_step(y, 0.35, 0.60)
    legs = follow * behind * (1.0 - smooth_step(y, 0.70, 0.86))
    knee = JOINTS["leftLowerLeg"][1]
    shanks = 0.85 * (1.0 - smooth_step(y, knee - 0.12, knee + 0.10))
    spine = smooth_step(y, 0.885, 0.975)
    bones: dict[str, FloatArray | float] = {
        "hips": (1.0 - legs) * (1.0 - spine),
        "spine": (1.0 - legs) * spine,
    }
    for side, share in (("left", left), ("right", 1.0 - left)):
        bones[side + "UpperLeg"] = legs * share * (1.0 - shanks)
        bones[side + "LowerLeg"] = legs * share * shanks
    return on_bones(points.shape[:-1], bones)
