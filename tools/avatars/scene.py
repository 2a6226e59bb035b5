"""Scene to draw: textures, materials and skinned meshes, as plain values.

Positions are in metres in the avatar's own space, colours linear light unless said otherwise,
texture coordinates have their origin at the top left corner of the picture (as in glTF).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np


class AlphaMode(enum.IntEnum):
    """How a material's alpha is used (glTF's three modes)."""

    OPAQUE = 0
    MASK = 1
    BLEND = 2


class Wrap(enum.IntEnum):
    """What a texture shows beyond its borders."""

    REPEAT = 0
    CLAMP = 1
    MIRROR = 2


class OutlineMode(enum.IntEnum):
    """What the width of a material's outline is measured by."""

    NONE = 0
    METRES = 1
    PICTURE_HEIGHT = 2


@dataclass(frozen=True)
class Texture:
    """A picture to sample from.

    Attributes:
        name: for messages and costumes.
        pixels: [height, width, 4] uint8, colours sRGB-encoded, alpha not premultiplied.
        wrap_u, wrap_v: behaviour beyond the borders.
        nearest: sample without interpolation (pixel art).
    """

    name: str
    pixels: np.ndarray
    wrap_u: Wrap = Wrap.REPEAT
    wrap_v: Wrap = Wrap.REPEAT
    nearest: bool = False


@dataclass(frozen=True)
class Material:
    """A toon material: MToon's parameters, to which other materials are brought.

    Textures are indices into the avatar's textures, None for plain white (for `matcap_texture`:
    for nothing). The surface goes from the shade colour to the lit colour where
    `dot(normal, light) + shading_shift` passes from `shading_toony - 1` to `1 - shading_toony`.
    """

    name: str
    lit_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    alpha: float = 1.0
    lit_texture: int | None = None
    shade_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shade_texture: int | None = None
    shading_shift: float = 0.0
    shading_toony: float = 0.9
    unlit: bool = False
    emissive_color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    emissive_texture: int | None = None
    rim_color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rim_power: float = 1.0
    rim_lift: float = 0.0
    matcap_texture: int | None = None
    matcap_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
    outline_mode: OutlineMode = OutlineMode.NONE
    outline_width: float = 0.0
    outline_color: tuple[float, float, float] = (0.0, 0.0, 0.0)
    outline_color_mix: float = 0.0
    outline_width_texture: int | None = None
    outline_width_channel: int = 1
    alpha_mode: AlphaMode = AlphaMode.OPAQUE
    alpha_cutoff: float = 0.5
    double_sided: bool = False
    blend_order: int = 0
    blend_writes_depth: bool = False


@dataclass(frozen=True)
class Morphs:
    """Shapes that a mesh can be moved towards ("blend shapes").

    Attributes:
        names: one for each shape.
        default_weights: [M] float32.
        positions, normals: [M, V, 3] float32, added to the vertex times the weight.
    """

    names: tuple[str, ...]
    default_weights: np.ndarray
    positions: np.ndarray
    normals: np.ndarray


@dataclass(frozen=True)
class MeshPart:
    """Triangles of one material that hang on one node of the avatar.

    Attributes:
        mesh_name, node_name: names that costumes can hide it by.
        mesh: index of the mesh in the file (morph weights are set by mesh).
        node: the node that carries it.
        material: index into the avatar's materials.
        positions, normals: [V, 3] float32, at rest; normals have unit length.
        smooth_normals: [V, 3] float32: like normals, but equal where positions are equal, so that
            the outline has no cracks along hard edges.
        uvs: [V, 2] float32, the material's texture transform already applied.
        colors: [V, 4] float32, linear, multiplied into the lit and shade colours.
        triangles: [T, 3] int32, counter-clockwise seen from the front.
        skin: index into the avatar's skins; None for a rigid part.
        joints, weights: [V, K] int32 into the skin's joints and float32 that sum to 1 (K = 4 or 8).
        morphs: its shapes, or None.
    """

    mesh_name: str
    node_name: str
    mesh: int
    node: int
    material: int
    positions: np.ndarray
    normals: np.ndarray
    smooth_normals: np.ndarray
    uvs: np.ndarray
    colors: np.ndarray
    triangles: np.ndarray
    skin: int | None = None
    joints: np.ndarray | None = None
    weights: np.ndarray | None = None
    morphs: Morphs | None = None


@dataclass(frozen=True)
class Skin:
    """Joints of skinned meshes.

    Attributes:
        joints: [J] int, nodes.
        inverse_binds: [J, 4, 4] float64.
    """

    joints: np.ndarray
    inverse_binds: np.ndarray


@dataclass(frozen=True)
class MorphBind:
    """One shape that an expression moves: `mesh` and the shape's index, and its full weight."""

    mesh: int
    shape: int
    weight: float


@dataclass(frozen=True)
class Surfaces:
    """Everything of an avatar that is drawn.

    Attributes:
        textures, materials, skins, parts: indices above point into these.
        expressions: named faces ("happy"), each a list of shapes to set.
    """

    textures: tuple[Texture, ...]
    materials: tuple[Material, ...]
    skins: tuple[Skin, ...]
    parts: tuple[MeshPart, ...]
    expressions: dict[str, tuple[MorphBind, ...]] = field(default_factory=dict)
