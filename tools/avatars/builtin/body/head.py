"""Her head: skull and ears, with the face on it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tools.avatars.builtin.body.body_paint import skin_material
from tools.avatars.builtin.body.face import face_parts
from tools.avatars.builtin.body.face_texture import draw_face
from tools.avatars.builtin.body.head_shape import head_heights, head_rings, rounded_normals
from tools.avatars.builtin.body.proportions import JOINT_NAMES
from tools.avatars.builtin.body.skin_weights import bound_to
from tools.avatars.builtin.shapes.curves import FloatArray
from tools.avatars.builtin.shapes.part import (
    Part,
    ToonMaterial,
    make_part,
    merged,
    mirrored,
    vertex_normals,
)
from tools.avatars.builtin.shapes.sweeps import Mesh, loft

_FACE_SIDE = 0.22
_FACE_MIDDLE = (0.0, 1.425)
_FRONT_COLUMNS, _BACK_COLUMNS = 32, 10

# Toon shading shows every bump; between its own and a ball's, a face's shade has a clean edge.
_ROUNDNESS = 0.55
_FACE_SHADING_SHIFT = -0.04

# Where the face's picture is plain.
_PLAIN = 0.01

# The ear's rings: size, and how far each stands out.
_EAR_CENTER = (0.0790, 1.4080, -0.0180)
_EAR_RINGS = ((0.55, -0.010), (0.95, 0.000), (1.0, 0.006), (0.86, 0.009), (0.55, 0.003))
_EAR_CORNERS = 14
_EAR_TURN = 0.45


def _face_uvs(points: FloatArray) -> FloatArray:
    """[V, 2]: the picture is projected onto the face from in front."""
    x, y = points[:, 0] - _FACE_MIDDLE[0], points[:, 1] - _FACE_MIDDLE[1]
    uvs = 0.5 + np.stack([x, -y], axis=1) / _FACE_SIDE
    return np.clip(uvs, _PLAIN, 1.0 - _PLAIN)


def _bound(name: str, material: ToonMaterial, mesh: Mesh, uvs: FloatArray) -> Part:
    """A part that hangs on the head's bone."""
    weights = bound_to("head", len(mesh.positions))
    return make_part(
        name, "body", material, mesh.positions, mesh.triangles, JOINT_NAMES, weights, uvs
    )


def _skull(material: ToonMaterial) -> Part:
    front = np.linspace(0.0, np.pi, _FRONT_COLUMNS, endpoint=False)
    back = np.linspace(np.pi, 2.0 * np.pi, _BACK_COLUMNS, endpoint=False)
    angles, heights = np.concatenate([front, back]), head_heights()
    mesh = loft(head_rings(heights, angles), cap_start=True, cap_end=True)
    smooth = loft(head_rings(heights, angles, with_bumps=False), cap_start=True, cap_end=True)
    uvs = _face_uvs(mesh.positions)
    is_behind = np.append(np.tile([*(angles > np.pi), False], len(heights)), [True, True])
    uvs[is_behind, 0] = _PLAIN
    normals = vertex_normals(smooth.positions, smooth.triangles)
    return replace(
        _bound("Head", material, mesh, uvs),
        normals=rounded_normals(mesh.positions, normals, _ROUNDNESS),
    )


def _ears(material: ToonMaterial) -> Part:
    """Bent leaves with a hollow."""
    angles = 2.0 * np.pi * np.arange(_EAR_CORNERS) / _EAR_CORNERS
    up = 0.0260 * np.sin(angles) - 0.004 * np.cos(angles)
    forward = -0.0135 * np.cos(angles) - 0.005 * np.sin(angles)
    rings = [
        np.stack([out - _EAR_TURN * size * forward, size * up, size * forward], axis=1)
        for size, out in _EAR_RINGS
    ]
    mesh = loft(np.add(rings, _EAR_CENTER), cap_end=True)
    left = _bound("Ears", material, mesh, np.full((len(mesh.positions), 2), _PLAIN))
    return merged([left, mirrored(left)], "Ears")


def head_parts() -> list[Part]:
    """`Head`, `Ears` and the face's layers."""
    picture = draw_face(_FACE_SIDE, _FACE_MIDDLE)
    skin = skin_material("SkinFace", picture, _FACE_SHADING_SHIFT)
    return [_skull(skin), _ears(skin), *face_parts()]
