"""The pieces that the built-in avatar is put together from: skinned triangles with a material."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True, eq=False)
class Picture:
    """A texture: `pixels` [height, width, 3 or 4] uint8, sRGB-encoded."""

    name: str
    pixels: np.ndarray


@dataclass(frozen=True)
class ToonMaterial:
    """An MToon material.

    Attributes:
        name: costumes recolour it by this name; two materials of one name must be equal.
        color, shade_color: "#rrggbb", sRGB, where light falls and where it does not; both are
            multiplied by the texture.
        texture: a picture, or None for plain colour.
        shading_shift, shading_toony: where the shade begins, and how hard its border is.
        outline_metres: width of the ink line; 0 for none.
        outline_color: "#rrggbb".
        outline_mix: how much the surface's own colour tints the ink, 0 to 1.
        alpha_mode: "OPAQUE", "MASK" or "BLEND".
        double_sided: seen from behind as well.
        rim_color: "#rrggbb" of a soft light along the silhouette; black for none.
        blend_order: among blended materials, higher ones lie over lower ones.
    """

    name: str
    color: str
    shade_color: str
    texture: Picture | None = None
    shading_shift: float = -0.05
    shading_toony: float = 0.94
    outline_metres: float = 0.0014
    outline_color: str = "#3a2a33"
    outline_mix: float = 0.0
    alpha_mode: str = "OPAQUE"
    double_sided: bool = False
    rim_color: str = "#000000"
    blend_order: int = 0


@dataclass(frozen=True, eq=False)
class Part:
    """A mesh of the avatar that costumes show or hide by its name.

    Attributes:
        name: of the mesh and its node.
        slot: what it stands for ("body", "hair", "top", ...): one part of a slot is worn at a time.
        material: its material.
        positions, normals: [V, 3] float64, in the T-pose; normals have unit length.
        uvs: [V, 2] float64, origin at the picture's upper left corner.
        triangles: [T, 3] int, counter-clockwise seen from outside.
        joints: J names of bones.
        weights: [V, J] float64, each row sums to 1.
        shapes: expression to [V, 3] float64, how far it moves each vertex.
    """

    name: str
    slot: str
    material: ToonMaterial
    positions: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    triangles: np.ndarray
    joints: tuple[str, ...]
    weights: np.ndarray
    shapes: Mapping[str, np.ndarray] = field(default_factory=dict)

    def weights_for(self, joints: Sequence[str]) -> np.ndarray:
        """[V, len(joints)]: the weights in another order of joints, 0 for those it lacks."""
        result = np.zeros((len(self.positions), len(joints)))
        for column, joint in enumerate(self.joints):
            result[:, list(joints).index(joint)] += self.weights[:, column]
        return result

    def renamed(self, name: str, slot: str | None = None) -> Part:
        """The same part under another name, and in another slot."""
        return replace(self, name=name, slot=self.slot if slot is None else slot)


def make_part(
    name: str,
    slot: str,
    material: ToonMaterial,
    positions: np.ndarray,
    triangles: np.ndarray,
    joints: Sequence[str],
    weights: np.ndarray,
    uvs: np.ndarray | None = None,
    normals: np.ndarray | None = None,
    shapes: Mapping[str, np.ndarray] | None = None,
) -> Part:
    """A part with smooth normals where none are given, and without the joints it does not need.

    Raises:
        ValueError: arrays do not fit each other, or a vertex has no weight.
    """
    positions = np.asarray(positions, np.float64).reshape(-1, 3)
    triangles = np.asarray(triangles, np.int64).reshape(-1, 3)
    weights = np.asarray(weights, np.float64)
    if weights.shape != (len(positions), len(joints)):
        raise ValueError(
            f"`weights` of {name!r} must be [{len(positions)}, {len(joints)}], one column a joint. "
            f"Received: {list(weights.shape)}. Give each vertex its weights."
        )
    sums = weights.sum(axis=1, keepdims=True)
    if not (sums > 1e-6).all():
        raise ValueError(
            f"`weights` of {name!r} must be above 0 somewhere in each row. Received: vertex "
            f"{int(np.argmin(sums))} with none. Bind it to a bone."
        )
    used = np.flatnonzero(weights.max(axis=0) > 0)
    return Part(
        name=name,
        slot=slot,
        material=material,
        positions=positions,
        normals=vertex_normals(positions, triangles) if normals is None else normals,
        uvs=np.zeros((len(positions), 2)) if uvs is None else np.asarray(uvs).reshape(-1, 2),
        triangles=triangles,
        joints=tuple(joints[index] for index in used),
        weights=(weights / sums)[:, used],
        shapes={} if shapes is None else shapes,
    )


def vertex_normals(positions: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """[V, 3] unit normals: the mean of the faces around a place, by their areas.

    Vertices at one place share their normal, so seams of the texture do not show.
    """
    corners = positions[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    _, place = np.unique(np.round(positions, 6), axis=0, return_inverse=True)
    sums = np.zeros((len(positions), 3))
    for corner in range(3):
        np.add.at(sums, place.ravel()[triangles[:, corner]], faces)
    normals = sums[place.ravel()]
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.where(lengths > 1e-15, normals / np.maximum(lengths, 1e-15), [0.0, 1.0, 0.0])


def other_side(name: str) -> str:
    """`name` with left and right swapped, at its start or, capitalised, anywhere."""
    for one, other in (("left", "right"), ("right", "left"), ("Left", "Right"), ("Right", "Left")):
        if name.startswith(one) or (one[0].isupper() and one in name):
            return name.replace(one, other, 1)
    return name


def mirrored(part: Part) -> Part:
    """The part of the other side of the body: x turned round, left and right swapped in names."""
    flip = np.array([-1.0, 1.0, 1.0])
    return replace(
        part,
        name=other_side(part.name),
        positions=part.positions * flip,
        normals=part.normals * flip,
        triangles=part.triangles[:, ::-1],
        joints=tuple(other_side(joint) for joint in part.joints),
        shapes={other_side(name): moved * flip for name, moved in part.shapes.items()},
    )


def merged(parts: Sequence[Part], name: str, slot: str | None = None) -> Part:
    """Parts of one material as one part.

    Raises:
        ValueError: their materials differ.
    """
    materials = {part.material.name for part in parts}
    if len(materials) != 1:
        raise ValueError(
            f"`parts` of {name!r} must have one material. Received: {sorted(materials)}. "
            "Keep parts of other materials apart."
        )
    joints = tuple(dict.fromkeys(joint for part in parts for joint in part.joints))
    starts = np.cumsum([0] + [len(part.positions) for part in parts])
    shapes = {
        key: np.concatenate([part.shapes.get(key, np.zeros_like(part.positions)) for part in parts])
        for key in dict.fromkeys(key for part in parts for key in part.shapes)
    }
    return Part(
        name=name,
        slot=parts[0].slot if slot is None else slot,
        material=parts[0].material,
        positions=np.concatenate([part.positions for part in parts]),
        normals=np.concatenate([part.normals for part in parts]),
        uvs=np.concatenate([part.uvs for part in parts]),
        triangles=np.concatenate(
            [part.triangles + start for part, start in zip(parts, starts, strict=False)]
        ),
        joints=joints,
        weights=np.concatenate([part.weights_for(joints) for part in parts]),
        shapes=shapes,
    )
