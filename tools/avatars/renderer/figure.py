"""One avatar in one costume, merged into few arrays, and its posing before a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.avatars.renderer.rasterizer import Frame
from tools.avatars.renderer.skinning import skin_vertices
from tools.avatars.renderer.textures import TextureBank

# Pixels go right, down and away from the viewer; normals are wanted right, up and towards him.
_FLIPPED = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Figure:
    """What is needed to draw an avatar in a costume, whatever its pose.

    Attributes:
        positions, normals, uvs, tints: vertices, [V, 3], [V, 3], [V, 2], [V, 4] float32; the hulls'
            vertices come last.
        joints, weights: [V, K] int32 rows of the palette, and float32.
        outlines_metres, outlines_heights: [V] float32, the hulls' distance in metres and in heights
            of the picture; 0 on surfaces.
        palette_nodes: [P] int, the node behind each row of the palette.
        palette_binds: [P, 4, 4] float64, applied before the node's world matrix.
        triangles, materials, kept_sides, first_ink, first_blended: as in `Frame`.
        blend_orders: [T - first_blended] int32: lower ones are laid first.
        material_table, bank: what the backends read.
    """

    positions: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    tints: np.ndarray
    joints: np.ndarray
    weights: np.ndarray
    outlines_metres: np.ndarray
    outlines_heights: np.ndarray
    palette_nodes: np.ndarray
    palette_binds: np.ndarray
    triangles: np.ndarray
    materials: np.ndarray
    kept_sides: np.ndarray
    first_ink: int
    first_blended: int
    blend_orders: np.ndarray
    material_table: np.ndarray
    bank: TextureBank

    def posed(
        self,
        node_worlds: np.ndarray,
        pixels_from_world: np.ndarray,
        height_px: int,
        outline_scale: float = 1.0,
    ) -> Frame:
        """The frame to draw for one pose.

        Args:
            node_worlds: [N, 4, 4] float64, world matrices of the avatar's nodes.
            pixels_from_world: [4, 4] float64 of an orthographic camera: to x and y in pixels from
                the top left corner, and to the distance from the viewer, in pixels as well.
            height_px: the picture's height, which some outlines are measured by.
            outline_scale: all outlines' widths are multiplied by this.
        """
        palette = _FLIPPED @ pixels_from_world @ node_worlds[self.palette_nodes]
        palette = (palette @ self.palette_binds)[:, :3].astype(np.float32)
        pixels_per_metre = np.linalg.norm(pixels_from_world[0, :3])
        extrusions = self.outlines_metres * pixels_per_metre + self.outlines_heights * height_px
        positions, normals = np.empty_like(self.positions), np.empty_like(self.normals)
        skin_vertices(
            self.positions,
            self.normals,
            self.joints,
            self.weights,
            (extrusions * outline_scale).astype(np.float32),
            np.ascontiguousarray(palette),
            positions,
            normals,
        )
        positions[:, 1:] *= -1.0
        order = self._drawing_order(positions)
        return Frame(
            positions,
            normals,
            self.uvs,
            self.tints,
            self.triangles[order],
            self.materials[order],
            self.kept_sides[order],
            self.first_ink,
            self.first_blended,
        )

    def _drawing_order(self, positions: np.ndarray) -> np.ndarray:
        """[T]: the triangles, the blended ones from the farthest to the nearest."""
        order = np.arange(len(self.triangles))
        blended = self.triangles[self.first_blended :]
        if len(blended):
            distances = positions[blended, 2].mean(axis=1)
            sorted_blended = np.lexsort((-distances, self.blend_orders))
            order[self.first_blended :] = self.first_blended + sorted_blended
        return order
