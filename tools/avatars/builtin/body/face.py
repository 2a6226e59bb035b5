"""The face on her head: eyes, brows and mouths as thin layers that expressions exchange.

Layers hug the skin a millimetre or two above it. Those of other expressions wait inside the head;
a shape brings them out and takes the usual ones in. All lie on the left or the middle of the face
first, and are mirrored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tools.avatars.builtin.body import face_texture
from tools.avatars.builtin.body.head_shape import face_depth, rounded_normals
from tools.avatars.builtin.body.proportions import JOINT_NAMES
from tools.avatars.builtin.body.skin_weights import bound_to
from tools.avatars.builtin.shapes.curves import FloatArray
from tools.avatars.builtin.shapes.part import (
    Part,
    Picture,
    ToonMaterial,
    make_part,
    merged,
    mirrored,
)
from tools.avatars.builtin.shapes.sweeps import grid_triangles

# Metres between a layer and the next, and how far inside the head the unused ones wait.
_LIFT = 0.0008
_HIDDEN = 0.030
_COME_OUT = np.array([0.0, 0.0, _HIDDEN])
_GO_IN = -_COME_OUT

_VERTEX_DISTANCE = 0.0072
_ROUNDNESS = 0.9

# Expression to how far the brows rise, and how much they tilt (metres at their ends).
_BROW_MOVES = {"angry": (-0.0035, -0.0034), "sad": (0.0010, 0.0036), "surprised": (0.0065, 0.0)}


class _Place(NamedTuple):
    """Where a drawing lies on the face.

    Attributes:
        center: (x, y) of its middle.
        side: metres of the whole drawing, which may be larger than it was drawn.
        crop: left, lower, right and upper edge of what is needed of it, metres from its middle.
    """

    center: tuple[float, float]
    side: float
    crop: tuple[float, float, float, float]


_EYE = _Place((0.0375, 1.4130), 0.0785, (-0.024, -0.023, 0.024, 0.021))
_LASHES = _EYE._replace(crop=(-0.026, -0.023, 0.030, 0.028))
_BROW = _Place((0.0370, 1.4520), 0.060, (-0.022, -0.010, 0.022, 0.010))
_MOUTH = _Place((0.0, 1.3545), 0.046, (-0.014, -0.013, 0.014, 0.007))


class _Cell(NamedTuple):
    """Which part of a texture a drawing fills: its number, and cells across and down."""

    index: int
    across: int
    down: int


_WHOLE = _Cell(0, 1, 1)


def _material(name: str, colors: tuple[str, str], picture: Picture, order: int) -> ToonMaterial:
    color, shade = colors
    return ToonMaterial(
        name, color, shade, picture, outline_metres=0.0, alpha_mode="BLEND", blend_order=order
    )


def _layer(
    name: str,
    material: ToonMaterial,
    place: _Place,
    cell: _Cell = _WHOLE,
    height: int = 1,
    waits: bool = False,
) -> Part:
    """A drawing as a part on the left or the middle of the face.

    Args:
        name: the part's name.
        material: its material.
        place: where it lies.
        cell: where in the texture it is.
        height: 1 for the lowest layer.
        waits: inside the head, until an expression brings it out.
    """
    left, lower, right, upper = place.crop
    columns = max(4, round((right - left) / _VERTEX_DISTANCE)) + 1
    rows = max(4, round((upper - lower) / _VERTEX_DISTANCE)) + 1
    across, up = np.meshgrid(np.linspace(left, right, columns), np.linspace(upper, lower, rows))
    across, up = across.ravel(), up.ravel()
    x, y = place.center[0] + across, place.center[1] + up
    on_skin = np.stack([x, y, face_depth(x, y)], axis=1)
    normals = rounded_normals(on_skin, np.array([0.0, 0.0, 1.0]), _ROUNDNESS)
    u = (cell.index % cell.across + 0.5 + across / place.side) / cell.across
    v = (cell.index // cell.across + 0.5 - up / place.side) / cell.down
    return make_part(
        name,
        "face",
        material,
        on_skin + normals * height * _LIFT + (_GO_IN if waits else 0.0),
        grid_triangles(rows, columns)[:, ::-1],
        JOINT_NAMES,
        bound_to("head", len(x)),
        np.stack([u, v], axis=1),
        normals,
    )


def _moved_by(part: Part, expressions: Iterable[str], move: FloatArray) -> Part:
    """The part with shapes that move all of it."""
    moves = np.broadcast_to(move, part.positions.shape)
    return replace(part, shapes={**part.shapes, **dict.fromkeys(expressions, moves)})


def _pair(name: str, left: Part, right: Part | None = None) -> Part:
    """A part of both sides; `right` is a left part to mirror, if it is not like `left`."""
    return merged([left, mirrored(left if right is None else right)], name)


def _open_eyes(lines: ToonMaterial) -> list[Part]:
    """Whites, irises and lashes, which closed lids replace."""
    white_picture = Picture("eye_white", face_texture.draw_eye_white())
    iris_picture = Picture("iris", face_texture.draw_iris())
    white = _layer("Left", _material("EyeWhite", ("#ffffff", "#dcd2e6"), white_picture, 0), _EYE)
    iris = _layer(
        "Left", _material("EyeIris", ("#5b8fe8", "#3f66b8"), iris_picture, 1), _EYE, height=2
    )
    lashes = _layer("Left", lines, _LASHES, _Cell(0, 2, 2), 3)
    # The lights in the right eye are no mirror image, so it has a drawing of its own beside the
    # left one's; its layer is mirrored all the same, so it reads the columns backwards.
    own_drawing = np.array([1.0, 0.0]) + lashes.uvs * [-1.0, 1.0]
    eyes = [
        _pair("FaceEyeWhites", white),
        _pair("FaceIrises", iris),
        _pair("FaceLashes", lashes, replace(lashes, uvs=own_drawing)),
    ]
    return [_moved_by(part, ("blink", "happy", "relaxed"), _GO_IN) for part in eyes]


def _eyes() -> list[Part]:
    cells = [
        face_texture.draw_lashes(mirrored=False),
        face_texture.draw_lashes(mirrored=True),
        face_texture.draw_closed_lid(happy=False),
        face_texture.draw_closed_lid(happy=True),
    ]
    picture = Picture("lashes", face_texture.atlas_of(cells, 2))
    lines = _material("FaceLines", ("#ffffff", "#e8d8e4"), picture, 2)
    closed = _pair("FaceLidsClosed", _layer("Left", lines, _LASHES, _Cell(2, 2, 2), waits=True))
    happy = _pair("FaceLidsHappy", _layer("Left", lines, _LASHES, _Cell(3, 2, 2), waits=True))
    return [
        *_open_eyes(lines),
        _moved_by(closed, ("blink",), _COME_OUT),
        _moved_by(happy, ("happy", "relaxed"), _COME_OUT),
    ]


def _brows() -> Part:
    """Brows in the colour of the hair: costumes that change `Hair*` change them too."""
    picture = Picture("brow", face_texture.draw_brow())
    material = _material("HairBrows", ("#5a3a34", "#472c2a"), picture, 4)
    left = _layer("Left", material, _BROW)
    x, y, z = left.positions.T
    shapes = {}
    for name, (rise, tilt) in _BROW_MOVES.items():
        up = rise + tilt * (_BROW.center[0] - x) / _BROW.crop[2]
        forward = face_depth(x, y + up) + 2 * _LIFT - z
        shapes[name] = np.stack([np.zeros_like(x), up, forward], axis=1)
    return _pair("FaceBrows", replace(left, shapes=shapes))


# Drawing to the part's name, and the expressions that bring it out (or take in the usual one).
_MOUTHS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "smile": ("FaceMouth", ("aa", "oh", "happy", "surprised", "sad", "angry")),
    "open": ("FaceMouthOpen", ("aa", "oh", "surprised")),
    "grin": ("FaceMouthGrin", ("happy",)),
    "frown": ("FaceMouthFrown", ("sad", "angry")),
}


def _mouths() -> list[Part]:
    atlas = face_texture.atlas_of([face_texture.draw_mouth(kind) for kind in _MOUTHS], 2)
    material = _material("FaceMouth", ("#ffffff", "#e8d0d4"), Picture("mouths", atlas), 3)
    parts = []
    for index, (name, expressions) in enumerate(_MOUTHS.values()):
        usual = index == 0
        layer = _layer(name, material, _MOUTH, _Cell(index, 2, 2), waits=not usual)
        parts.append(_moved_by(layer, expressions, _GO_IN if usual else _COME_OUT))
    return parts


def face_parts() -> list[Part]:
    """All `Face...` layers, bound to the head."""
    return [*_eyes(), _brows(), *_mouths()]
