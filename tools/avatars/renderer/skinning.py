"""Moves vertices with the bones they hang on (linear blend skinning, up to 8 bones a vertex)."""

from __future__ import annotations

import numpy as np

from tools.avatars.renderer.jit import kernel


@kernel
def skin_vertices(
    positions, normals, joints, weights, extrusions, palette, moved_positions, moved_normals
):
    """Moves every vertex by the weighted mean of its joints' matrices.

    Args:
        positions: [V, 3] float32 at rest.
        normals: [V, 3] float32 at rest.
        joints: [V, K] int32, rows of the palette.
        weights: [V, K] float32 that sum to 1.
        extrusions: [V] float32, how far each vertex is pushed out along its moved normal.
        palette: [P, 3, 4] float32 affine matrices.
        moved_positions: [V, 3] float32, filled in.
        moved_normals: [V, 3] float32, filled in and of unit length.
    """
    zero = np.float32(0.0)
    for vertex in range(len(positions)):
        x = y = z = nx = ny = nz = zero
        px, py, pz = positions[vertex, 0], positions[vertex, 1], positions[vertex, 2]
        qx, qy, qz = normals[vertex, 0], normals[vertex, 1], normals[vertex, 2]
        for k in range(joints.shape[1]):
            w = weights[vertex, k]
            if w != zero:
                j = joints[vertex, k]
                a, b, c = palette[j, 0, 0], palette[j, 0, 1], palette[j, 0, 2]
                x += w * (a * px + b * py + c * pz + palette[j, 0, 3])
                nx += w * (a * qx + b * qy + c * qz)
                a, b, c = palette[j, 1, 0], palette[j, 1, 1], palette[j, 1, 2]
                y += w * (a * px + b * py + c * pz + palette[j, 1, 3])
                ny += w * (a * qx + b * qy + c * qz)
                a, b, c = palette[j, 2, 0], palette[j, 2, 1], palette[j, 2, 2]
                z += w * (a * px + b * py + c * pz + palette[j, 2, 3])
                nz += w * (a * qx + b * qy + c * qz)
        length = np.sqrt(nx * nx + ny * ny + nz * nz)
        scale = np.float32(1.0) / max(length, np.float32(1e-20))
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        push = extrusions[vertex]
        moved_positions[vertex, 0] = x + push * nx
        moved_positions[vertex, 1] = y + push * ny
        moved_positions[vertex, 2] = z + push * nz
        moved_normals[vertex, 0] = nx
        moved_normals[vertex, 1] = ny
        moved_normals[vertex, 2] = nz


def morphed(positions: np.ndarray, deltas: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[V, 3] float32: `positions` plus the [M, V, 3] deltas times their [M] weights."""
    moved = positions.astype(np.float32, copy=True)
    for delta, weight in zip(deltas, weights, strict=True):
        if weight != 0.0:
            moved += np.float32(weight) * delta
    return moved
