"""Merges what a costume leaves visible of an avatar into the arrays of a figure.

The ink outline is geometry: every surface with an outline gets a second, slightly larger copy (a
hull) of which only the faces that point away from the viewer are drawn, so that a rim of it shows
around the surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tools.avatars.renderer.figure import Figure
from tools.avatars.renderer.rasterizer import BACK, FRONT
from tools.avatars.renderer.shading import build_material_table
from tools.avatars.renderer.skinning import morphed
from tools.avatars.renderer.textures import build_texture_bank
from tools.avatars.scene import AlphaMode, Material, MeshPart, MorphBind, OutlineMode, Surfaces

_BOTH_SIDES = 0


def _morph_weights(part: MeshPart, binds: list[tuple[MorphBind, float]]) -> np.ndarray:
    """[M] of the part's shapes: the file's own, unless an expression sets them."""
    assert part.morphs is not None
    weights = np.array(part.morphs.default_weights, np.float64)
    for bind, strength in binds:
        if bind.mesh == part.mesh and bind.shape < len(weights):
            weights[bind.shape] = min(1.0, weights[bind.shape] + bind.weight * strength)
    return weights


def _unit(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-20)).astype(np.float32)


def _in_expression(part: MeshPart, binds: list[tuple[MorphBind, float]]) -> list[np.ndarray]:
    """[positions, normals, smooth normals] of a part with its shapes applied."""
    shapes = [part.positions, part.normals, part.smooth_normals]
    if part.morphs is None:
        return shapes
    weights = _morph_weights(part, binds)
    return [
        morphed(part.positions, part.morphs.positions, weights),
        _unit(morphed(part.normals, part.morphs.normals, weights)),
        _unit(morphed(part.smooth_normals, part.morphs.normals, weights)),
    ]


class _Palette:
    """Rows of matrices: each skin's joints once, and each node that carries a rigid part."""

    def __init__(self, surfaces: Surfaces) -> None:
        self._skins = surfaces.skins
        self._first_rows: dict[tuple[str, int], int] = {}
        self.nodes: list[int] = []
        self.binds: list[np.ndarray] = []

    def bound(self, part: MeshPart) -> tuple[np.ndarray, np.ndarray]:
        """[V, K] rows and weights for a part."""
        if part.skin is None:
            first = self._rows(("node", part.node), [part.node], [np.eye(4)])
            rows = np.full((len(part.positions), 1), first, np.int32)
            return rows, np.ones_like(rows, np.float32)
        skin = self._skins[part.skin]
        first = self._rows(("skin", part.skin), list(skin.joints), list(skin.inverse_binds))
        assert part.joints is not None
        assert part.weights is not None
        return part.joints + np.int32(first), part.weights

    def _rows(self, key: tuple[str, int], nodes: list[int], binds: list[np.ndarray]) -> int:
        if key not in self._first_rows:
            self._first_rows[key] = len(self.nodes)
            self.nodes.extend(nodes)
            self.binds.extend(binds)
        return self._first_rows[key]


def _padded(values: np.ndarray, columns: int) -> np.ndarray:
    """[V, columns]: zero joints of zero weight behind."""
    return np.pad(values, ((0, 0), (0, columns - values.shape[1])))


def _outline_factors(part: MeshPart, material: Material, surfaces: Surfaces) -> np.ndarray:
    """[V] float32 from the texture that thins a material's outline, nearest texel."""
    if material.outline_width_texture is None:
        return np.ones(len(part.positions), np.float32)
    pixels = surfaces.textures[material.outline_width_texture].pixels
    height, width = pixels.shape[:2]
    columns = np.floor(part.uvs[:, 0] * width).astype(np.int64) % width
    rows = np.floor(part.uvs[:, 1] * height).astype(np.int64) % height
    return pixels[rows, columns, material.outline_width_channel].astype(np.float32) / 255.0


def _has_ink(material: Material) -> bool:
    return (
        material.outline_mode is not OutlineMode.NONE
        and material.outline_width > 0
        and material.alpha_mode is not AlphaMode.BLEND
    )


class _Piece(NamedTuple):
    """A part on its way into a figure; `outline` is [V] for a hull and None for a surface."""

    part: MeshPart
    positions: np.ndarray
    normals: np.ndarray
    joints: np.ndarray
    weights: np.ndarray
    outline: np.ndarray | None = None


def _kept_side(piece: _Piece, materials: tuple[Material, ...]) -> int:
    if piece.outline is not None:
        return BACK
    return _BOTH_SIDES if materials[piece.part.material].double_sided else FRONT


def _outlines(
    pieces: list[_Piece], materials: tuple[Material, ...], mode: OutlineMode
) -> np.ndarray:
    return np.concatenate(
        [
            piece.outline
            if piece.outline is not None and materials[piece.part.material].outline_mode is mode
            else np.zeros(len(piece.positions), np.float32)
            for piece in pieces
        ]
    )


def _merged(surfaces: Surfaces, groups: dict[str, list[_Piece]], palette: _Palette) -> Figure:
    pieces = groups["surface"] + groups["ink"] + groups["blended"]
    assert pieces, "check_costume lets no costume through that hides everything"
    firsts = np.cumsum([0] + [len(piece.positions) for piece in pieces[:-1]])
    counts = [len(piece.part.triangles) for piece in pieces]
    num_surfaces = sum(len(piece.part.triangles) for piece in groups["surface"])
    num_ink = sum(len(piece.part.triangles) for piece in groups["ink"])
    influences = max(piece.joints.shape[1] for piece in pieces)
    materials = surfaces.materials
    orders = [materials[piece.part.material].blend_order for piece in groups["blended"]]
    blended_counts = [len(piece.part.triangles) for piece in groups["blended"]]
    return Figure(
        positions=np.concatenate([piece.positions for piece in pieces]),
        normals=np.concatenate([piece.normals for piece in pieces]),
        uvs=np.concatenate([piece.part.uvs for piece in pieces]),
        tints=np.concatenate([piece.part.colors for piece in pieces]),
        joints=np.concatenate([_padded(piece.joints, influences) for piece in pieces]),
        weights=np.concatenate([_padded(piece.weights, influences) for piece in pieces]),
        outlines_metres=_outlines(pieces, materials, OutlineMode.METRES),
        outlines_heights=_outlines(pieces, materials, OutlineMode.PICTURE_HEIGHT),
        palette_nodes=np.array(palette.nodes, np.int64),
        palette_binds=np.array(palette.binds, np.float64),
        triangles=np.concatenate(
            [
                piece.part.triangles + np.int32(first)
                for piece, first in zip(pieces, firsts, strict=True)
            ]
        ),
        materials=np.repeat([piece.part.material for piece in pieces], counts).astype(np.int32),
        kept_sides=np.repeat([_kept_side(piece, materials) for piece in pieces], counts).astype(
            np.int32
        ),
        first_ink=num_surfaces,
        first_blended=num_surfaces + num_ink,
        blend_orders=np.repeat(orders, blended_counts).astype(np.int32),
        material_table=build_material_table(materials),
        bank=build_texture_bank(surfaces.textures),
    )


def build_figure(surfaces: Surfaces, expression: Mapping[str, float] | None = None) -> Figure:
    """Merges an avatar's parts.

    Args:
        surfaces: the parts to draw, with their materials as the costume has them.
        expression: strength (0 to 1) of named expressions; others keep the file's own weights.
    """
    binds = [
        (bind, strength)
        for name, strength in (expression or {}).items()
        for bind in surfaces.expressions[name]
    ]
    palette = _Palette(surfaces)
    groups: dict[str, list[_Piece]] = {"surface": [], "ink": [], "blended": []}
    for part in surfaces.parts:
        material = surfaces.materials[part.material]
        positions, normals, smooth_normals = _in_expression(part, binds)
        joints, weights = palette.bound(part)
        surface = _Piece(part, positions, normals, joints, weights)
        groups["blended" if material.alpha_mode is AlphaMode.BLEND else "surface"].append(surface)
        if _has_ink(material):
            factors = _outline_factors(part, material, surfaces)
            groups["ink"].append(
                surface._replace(normals=smooth_normals, outline=factors * material.outline_width)
            )
    return _merged(surfaces, groups, palette)
