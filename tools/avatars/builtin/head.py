"""Her head: skin and ears, and the face on it as thin layers that expressions exchange.

Eyes, brows and mouths are patches that hug the face a fraction of a millimetre above it. Those of
other expressions wait inside the head; a shape brings them out and takes the usual ones in.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tools.avatars.builtin import face_texture
from tools.avatars.builtin.body_paint import skin_material
from tools.avatars.builtin.curves import FloatArray
from tools.avatars.builtin.head_shape import HEAD_CENTER, face_depth, head_heights, head_rings
from tools.avatars.builtin.part import Part, Picture, ToonMaterial, make_part, merged, mirrored
from tools.avatars.builtin.proportions import JOINT_NAMES
from tools.avatars.builtin.skin_weights import bound_to
from tools.avatars.builtin.sweeps import Mesh, grid_triangles, loft, outward, unit

EYE_CENTER = (0.0375, 1.4130)
BROW_CENTER = (0.0370, 1.4520)
MOUTH_CENTER = (0.0, 1.3545)

# Sides of the drawings as they lie on the face: eyes are laid on larger than they are drawn.
EYE_CELL, BROW_CELL, MOUTH_CELL = 0.0785, 0.060, 0.046

_FACE_SIDE = 0.22
_FACE_MIDDLE = (0.0, 1.425)
_FRONT_COLUMNS, _BACK_COLUMNS = 32, 10

# How far layers lie above the skin, in metres, and how far inside the head the unused ones wait.
_LIFT = 0.0008
_HIDDEN = 0.030

# Reaches of the round body whose normals smooth the face's shading.
_ROUND = np.array([0.092, 0.130, 0.100])

_BROW_MOVES = {
    "angry": (0.0, -0.0035, -0.0034),
    "sad": (0.0, 0.0010, 0.0036),
    "surprised": (0.0, 0.0065, 0.0),
}


def _round_normals(points: FloatArray, normals: FloatArray, roundness: float) -> FloatArray:
    """Normals between the surface's own and those of a round body."""
    smooth = unit((points - HEAD_CENTER) / _ROUND**2)
    return unit(normals * (1.0 - roundness) + smooth * roundness)


def _face_uvs(points: FloatArray) -> FloatArray:
    uvs = np.empty((len(points), 2))
    uvs[:, 0] = (points[:, 0] - _FACE_MIDDLE[0]) / _FACE_SIDE + 0.5
    uvs[:, 1] = 0.5 - (points[:, 1] - _FACE_MIDDLE[1]) / _FACE_SIDE
    return np.clip(uvs, 0.01, 0.99)


def _skull(material: ToonMaterial) -> Part:
    front = np.linspace(0.0, np.pi, _FRONT_COLUMNS, endpoint=False)
    back = np.linspace(np.pi, 2.0 * np.pi, _BACK_COLUMNS, endpoint=False)
    angles = np.concatenate([front, back])
    heights = head_heights()
    mesh = loft(head_rings(heights, angles), cap_start=True, cap_end=True)
    plain = loft(head_rings(heights, angles, with_bumps=False), cap_start=True, cap_end=True)
    uvs = _face_uvs(mesh.positions)
    # The back half shows an edge of the picture, which is plain.
    sine = np.append(np.tile(np.sin([*angles, 0.0]), len(heights)), [-1.0, -1.0])
    uvs[sine < -1e-6, 0] = 0.01
    part = _bound("Head", "body", material, mesh, uvs)
    smooth = make_part("Smooth", "", material, *plain[::2], JOINT_NAMES, bound_to("head", len(uvs)))
    normals = _round_normals(mesh.positions, smooth.normals, 0.55)
    return _with_normals(part, normals)


def _with_normals(part: Part, normals: FloatArray) -> Part:
    return make_part(
        part.name, part.slot, part.material, part.positions, part.triangles, part.joints,
        part.weights, part.uvs, normals, part.shapes,
    )  # fmt: skip


def _bound(
    name: str,
    slot: str,
    material: ToonMaterial,
    mesh: Mesh,
    uvs: FloatArray,
    shapes: Mapping[str, FloatArray] | None = None,
) -> Part:
    """A part that hangs on the head's bone."""
    weights = bound_to("head", len(mesh.positions))
    return make_part(
        name, slot, material, mesh.positions, mesh.triangles, JOINT_NAMES, weights, uvs,
        shapes=shapes,
    )  # fmt: skip


def _ear() -> Mesh:
    """The left ear: a bent leaf with a hollow."""
    angles = 2.0 * np.pi * np.arange(14) / 14
    outline = np.stack(
        [
            np.zeros(14),
            0.0260 * np.sin(angles) - 0.004 * np.cos(angles),
            -0.0135 * np.cos(angles) - 0.005 * np.sin(angles),
        ],
        axis=1,
    )
    rings = []
    for size, out in ((0.55, -0.010), (0.95, 0.000), (1.0, 0.006), (0.86, 0.009), (0.55, 0.003)):
        ring = outline * size + [out, 0.0, 0.0]
        ring[:, 0] -= ring[:, 2] * 0.45
        rings.append(ring)
    mesh = loft(np.add(rings, [0.0790, 1.4080, -0.0180]), cap_end=True)
    return outward(mesh)


def _ears(material: ToonMaterial) -> Part:
    mesh = _ear()
    uvs = np.full((len(mesh.positions), 2), 0.01)
    left = _bound("Ears", "body", material, mesh, uvs)
    return merged([left, mirrored(left)], "Ears")


def _patch(
    name: str,
    material: ToonMaterial,
    center: tuple[float, float],
    cell: float,
    crop: tuple[float, float, float, float],
    lift: float,
    atlas: tuple[int, int, int],
    hidden: bool = False,
    shapes: Mapping[str, FloatArray] | None = None,
) -> Part:
    """A layer on the left or the middle of the face.

    Args:
        name: the part's name.
        material: its material.
        center: (x, y) of the cell's middle.
        cell: side of the drawing, metres.
        crop: left, lower, right and upper edge of what is needed of it, metres from its middle.
        lift: metres above the skin.
        atlas: (index of the cell, cells in a row, rows) of the texture.
        hidden: it waits inside the head.
        shapes: expression to how it moves, [3].
    """
    columns = max(4, round((crop[2] - crop[0]) / 0.0072)) + 1
    rows = max(4, round((crop[3] - crop[1]) / 0.0072)) + 1
    local_x, local_y = np.meshgrid(
        np.linspace(crop[0], crop[2], columns), np.linspace(crop[3], crop[1], rows)
    )
    x, y = (center[0] + local_x).ravel(), (center[1] + local_y).ravel()
    on_skin = np.stack([x, y, face_depth(x, y)], axis=1)
    normals = _round_normals(on_skin, np.array([0.0, 0.0, 1.0]), 0.9)
    points = on_skin + normals * lift - [0.0, 0.0, _HIDDEN if hidden else 0.0]
    index, across, down = atlas
    u = (index % across + local_x.ravel() / cell + 0.5) / across
    v = (index // across + 0.5 - local_y.ravel() / cell) / down
    triangles = grid_triangles(rows, columns)[:, ::-1]
    mesh = Mesh(points, np.stack([u, v], axis=1), triangles)
    moves = {key: np.broadcast_to(move, points.shape) for key, move in (shapes or {}).items()}
    return _with_normals(_bound(name, "face", material, mesh, mesh.uvs, moves), normals)


def _layer_material(
    name: str, color: str, shade: str, picture: Picture, order: int
) -> ToonMaterial:
    return ToonMaterial(
        name, color, shade, picture, outline_metres=0.0, alpha_mode="BLEND", blend_order=order
    )


def _eyes() -> list[Part]:
    """Whites, irises, lashes; the closed lids that wait."""
    inward, outward_move = np.array([0.0, 0.0, -_HIDDEN]), np.array([0.0, 0.0, _HIDDEN])
    leave = dict.fromkeys(("blink", "happy", "relaxed"), inward)
    cells = [face_texture.draw_lashes(False), face_texture.draw_lashes(True),
             face_texture.draw_closed_lid(False), face_texture.draw_closed_lid(True)]  # fmt: skip
    lines = _layer_material(
        "FaceLines", "#ffffff", "#e8d8e4", Picture("lashes", face_texture.atlas_of(cells, 2)), 2
    )
    white = _layer_material(
        "EyeWhite", "#ffffff", "#dcd2e6", Picture("eye_white", face_texture.draw_eye_white()), 0
    )
    iris = _layer_material(
        "EyeIris", "#5b8fe8", "#3f66b8", Picture("iris", face_texture.draw_iris()), 1
    )
    open_crop, lash_crop = (-0.024, -0.023, 0.024, 0.021), (-0.026, -0.023, 0.030, 0.028)

    def pair(name: str, left: Part, right: Part | None = None) -> Part:
        return merged([left, mirrored(left) if right is None else right], name)

    def lash(index: int) -> Part:
        return _patch(
            "Left", lines, EYE_CENTER, EYE_CELL, lash_crop, 3 * _LIFT, (index, 2, 2), shapes=leave
        )

    right = lash(1)
    right_uvs = lash(0).uvs.copy()
    # The right eye's drawing is not mirrored by its geometry, so its columns run the other way.
    right_uvs[:, 0] = 1.0 - right_uvs[:, 0]
    right = mirrored(
        make_part(
            "Left", right.slot, right.material, right.positions, right.triangles, right.joints,
            right.weights, right_uvs, right.normals, right.shapes,
        )
    )  # fmt: skip
    plain = (0, 1, 1)
    return [
        pair("FaceEyeWhites", _patch("Left", white, EYE_CENTER, EYE_CELL, open_crop, _LIFT, plain,
                                     shapes=leave)),
        pair("FaceIrises", _patch("Left", iris, EYE_CENTER, EYE_CELL, open_crop, 2 * _LIFT, plain,
                                  shapes=leave)),
        pair("FaceLashes", lash(0), right),
        pair("FaceLidsClosed", _patch("Left", lines, EYE_CENTER, EYE_CELL, lash_crop, _LIFT,
                                      (2, 2, 2), True, {"blink": outward_move})),
        pair("FaceLidsHappy", _patch("Left", lines, EYE_CENTER, EYE_CELL, lash_crop, _LIFT,
                                     (3, 2, 2), True,
                                     {"happy": outward_move, "relaxed": outward_move})),
    ]  # fmt: skip


def _brows() -> Part:
    """Brows in the colour of the hair, so costumes that change `Hair*` change them too."""
    material = _layer_material(
        "HairBrows", "#5a3a34", "#472c2a", Picture("brow", face_texture.draw_brow()), 4
    )
    crop = (-0.022, -0.010, 0.022, 0.010)
    left = _patch("Left", material, BROW_CENTER, BROW_CELL, crop, _LIFT, (0, 1, 1))
    shapes = {}
    for name, (_, up, tilt) in _BROW_MOVES.items():
        moved = np.zeros_like(left.positions)
        moved[:, 1] = up + tilt * (BROW_CENTER[0] - left.positions[:, 0]) / crop[2]
        moved[:, 2] = (
            face_depth(left.positions[:, 0], left.positions[:, 1] + moved[:, 1])
            + 2 * _LIFT
            - left.positions[:, 2]
        )
        shapes[name] = moved
    left = make_part(
        "Left", "face", material, left.positions, left.triangles, left.joints, left.weights,
        left.uvs, left.normals, shapes,
    )  # fmt: skip
    return merged([left, mirrored(left)], "FaceBrows")


def _mouths() -> list[Part]:
    kinds = {
        "smile": ("FaceMouth", ("aa", "oh", "happy", "surprised", "sad", "angry")),
        "open": ("FaceMouthOpen", ("aa", "oh", "surprised")),
        "grin": ("FaceMouthGrin", ("happy",)),
        "frown": ("FaceMouthFrown", ("sad", "angry")),
    }
    atlas = face_texture.atlas_of([face_texture.draw_mouth(kind) for kind in kinds], 2)
    material = _layer_material("FaceMouth", "#ffffff", "#e8d0d4", Picture("mouths", atlas), 3)
    parts = []
    for index, (name, expressions) in enumerate(kinds.values()):
        move = np.array([0.0, 0.0, -_HIDDEN if index == 0 else _HIDDEN])
        parts.append(
            _patch(
                name, material, MOUTH_CENTER, MOUTH_CELL, (-0.014, -0.013, 0.014, 0.007), _LIFT,
                (index, 2, 2), index > 0, dict.fromkeys(expressions, move),
            )
        )  # fmt: skip
    return parts


def head_parts() -> list[Part]:
    """`Head`, `Ears` and all `Face...` layers."""
    skin = skin_material(
        "SkinFace", face_texture.draw_face(_FACE_SIDE, _FACE_MIDDLE), shading_shift=-0.04
    )
    return [_skull(skin), _ears(skin), *_eyes(), _brows(), *_mouths()]
