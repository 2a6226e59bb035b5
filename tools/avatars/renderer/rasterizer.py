"""Rasterizer: which samples of the picture each triangle covers, and which is in front.

Corners are rounded to 1/256 of a sample and the rest is integer arithmetic, so neighbouring
triangles share no sample and leave none out (the top-left rule: a sample exactly on an edge
belongs to the triangle that has it as its top or left edge).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tools.avatars.renderer.jit import inlined_kernel, kernel
from tools.avatars.renderer.textures import sample_texture

SUBSAMPLES = 256

# A triangle that reaches beyond this many samples is not drawn: its products leave 64 bits.
_LARGEST_COORDINATE = 1 << 20

SKIPPED, FRONT, BACK = 0, 1, 2

SETUP_DTYPE = np.dtype(
    [
        ("x0", np.int32),
        ("y0", np.int32),
        ("x1", np.int32),
        ("y1", np.int32),
        ("x2", np.int32),
        ("y2", np.int32),
        ("first_row", np.int32),
        ("end_row", np.int32),
        ("first_column", np.int32),
        ("end_column", np.int32),
        ("side", np.int32),
        ("detail", np.float32),
        ("reciprocal_area", np.float64),
        ("depth", np.float64),
        ("depth_per_x", np.float64),
        ("depth_per_y", np.float64),
    ],
    align=True,
)


class Frame(NamedTuple):
    """One posed avatar as its camera sees it; what every backend draws.

    Attributes:
        positions: [V, 3] float32: x and y in pixels from the top left corner, and the distance from
            the viewer.
        normals: [V, 3] float32, unit: x right, y up, z towards the viewer.
        uvs: [V, 2] float32.
        tints: [V, 4] float32 vertex colours, linear.
        triangles: [T, 3] int32: opaque and masked surfaces, then ink hulls, then blended surfaces
            in the order they are laid over each other.
        materials: [T] int32.
        kept_sides: [T] int32: 0 both sides are drawn, FRONT or BACK only that one.
        first_ink, first_blended: where the second and third group begin.
    """

    positions: np.ndarray
    normals: np.ndarray
    uvs: np.ndarray
    tints: np.ndarray
    triangles: np.ndarray
    materials: np.ndarray
    kept_sides: np.ndarray
    first_ink: int
    first_blended: int


@inlined_kernel
def corners_of(frame, triangle):
    """The three vertices of a triangle."""
    return frame.triangles[triangle, 0], frame.triangles[triangle, 1], frame.triangles[triangle, 2]


@inlined_kernel
def _log2_uv_per_sample(frame, triangle, doubled_area):
    """log2 of the side of the texture square that falls on one sample, even over the triangle."""
    a, b, c = corners_of(frame, triangle)
    u, v = frame.uvs[a]
    du_b, dv_b = frame.uvs[b, 0] - u, frame.uvs[b, 1] - v
    du_c, dv_c = frame.uvs[c, 0] - u, frame.uvs[c, 1] - v
    doubled_uv_area = abs(np.float64(du_b) * dv_c - np.float64(du_c) * dv_b)
    ratio = doubled_uv_area * SUBSAMPLES * SUBSAMPLES / doubled_area
    return 0.5 * np.log2(max(ratio, 1e-30))


@kernel
def _set_up(frame, triangle, samples_per_pixel, width, height, setup):
    """Fills one row of `setup`; leaves its side SKIPPED where nothing of it can be seen."""
    setup.side = SKIPPED
    for corner in range(3):
        vertex = frame.triangles[triangle, corner]
        reach = max(abs(frame.positions[vertex, 0]), abs(frame.positions[vertex, 1]))
        if not (reach * samples_per_pixel < _LARGEST_COORDINATE):  # NaN fails this as well
            return
    a, b, c = corners_of(frame, triangle)
    scale = np.float64(samples_per_pixel * SUBSAMPLES)
    x0 = setup.x0 = int(np.floor(frame.positions[a, 0] * scale + 0.5))
    y0 = setup.y0 = int(np.floor(frame.positions[a, 1] * scale + 0.5))
    setup.x1 = int(np.floor(frame.positions[b, 0] * scale + 0.5))
    setup.y1 = int(np.floor(frame.positions[b, 1] * scale + 0.5))
    setup.x2 = int(np.floor(frame.positions[c, 0] * scale + 0.5))
    setup.y2 = int(np.floor(frame.positions[c, 1] * scale + 0.5))
    x1, y1 = setup.x1 - x0, setup.y1 - y0
    x2, y2 = setup.x2 - x0, setup.y2 - y0
    doubled_area = x1 * y2 - x2 * y1
    # y points down, so counter-clockwise corners have a negative area.
    side = FRONT if doubled_area < 0 else BACK
    kept_side = frame.kept_sides[triangle]
    if doubled_area == 0 or (kept_side != 0 and kept_side != side):
        return
    half = SUBSAMPLES // 2
    low_x, high_x = x0 + min(0, x1, x2), x0 + max(0, x1, x2)
    low_y, high_y = y0 + min(0, y1, y2), y0 + max(0, y1, y2)
    setup.first_column = max(0, (low_x - half + SUBSAMPLES - 1) // SUBSAMPLES)
    setup.end_column = min(width, (high_x - half) // SUBSAMPLES + 1)
    setup.first_row = max(0, (low_y - half + SUBSAMPLES - 1) // SUBSAMPLES)
    setup.end_row = min(height, (high_y - half) // SUBSAMPLES + 1)
    if setup.first_column >= setup.end_column or setup.first_row >= setup.end_row:
        return
    depth = np.float64(frame.positions[a, 2])
    rise1, rise2 = frame.positions[b, 2] - depth, frame.positions[c, 2] - depth
    per_x = (rise1 * y2 - rise2 * y1) / doubled_area
    per_y = (rise2 * x1 - rise1 * x2) / doubled_area
    setup.depth_per_x, setup.depth_per_y = per_x * SUBSAMPLES, per_y * SUBSAMPLES
    setup.depth = depth + per_x * (half - x0) + per_y * (half - y0)
    setup.reciprocal_area = 1.0 / np.float64(doubled_area)
    setup.detail = _log2_uv_per_sample(frame, triangle, np.float64(abs(doubled_area)))
    setup.side = side


@kernel
def set_up_triangles(frame, samples_per_pixel, width, height, setups):
    """[T] SETUP_DTYPE for a picture of `width` x `height` samples.

    Corners are in 1/256 of a sample. The depth of the sample in column i and row j is
    depth + i * depth_per_x + j * depth_per_y.
    """
    for triangle in range(len(setups)):
        _set_up(frame, triangle, samples_per_pixel, width, height, setups[triangle])


@inlined_kernel
def corner_weights(setup, column, row):
    """Barycentric weights of the three corners at a sample's centre."""
    half = SUBSAMPLES // 2
    x = np.int64(column) * SUBSAMPLES + half - setup.x0
    y = np.int64(row) * SUBSAMPLES + half - setup.y0
    x1, y1 = np.int64(setup.x1 - setup.x0), np.int64(setup.y1 - setup.y0)
    x2, y2 = np.int64(setup.x2 - setup.x0), np.int64(setup.y2 - setup.y0)
    second = np.float32((x * y2 - x2 * y) * setup.reciprocal_area)
    third = np.float32((x1 * y - x * y1) * setup.reciprocal_area)
    return np.float32(1.0) - second - third, second, third


@inlined_kernel
def mixed_uv(frame, triangle, weights):
    """Texture coordinates at a place given by the corners' weights."""
    a, b, c = corners_of(frame, triangle)
    return (
        weights[0] * frame.uvs[a, 0] + weights[1] * frame.uvs[b, 0] + weights[2] * frame.uvs[c, 0],
        weights[0] * frame.uvs[a, 1] + weights[1] * frame.uvs[b, 1] + weights[2] * frame.uvs[c, 1],
    )


@kernel
def _is_cut_out(frame, triangle, setup, material, bank, column, row):
    """Whether the sample's alpha lies below the mask's cutoff."""
    weights = corner_weights(setup, column, row)
    a, b, c = corners_of(frame, triangle)
    alpha = material.alpha * (
        weights[0] * frame.tints[a, 3]
        + weights[1] * frame.tints[b, 3]
        + weights[2] * frame.tints[c, 3]
    )
    if material.lit_texture >= 0:
        u, v = mixed_uv(frame, triangle, weights)
        alpha *= sample_texture(bank, material.lit_texture, setup.detail, u, v)[3]
    return alpha < material.alpha_cutoff


@inlined_kernel
def _edge(x, y, end_x, end_y, column, row):
    """(value, step per column, step per row) of the edge function at a sample.

    Zero or more inside; one less on edges whose samples belong to the neighbour.
    """
    x, y = np.int64(x), np.int64(y)
    dx, dy = end_x - x, end_y - y
    half = SUBSAMPLES // 2
    value = dx * (row * SUBSAMPLES + half - y) - dy * (column * SUBSAMPLES + half - x)
    is_top_or_left = dy < 0 or (dy == 0 and dx > 0)
    return value - (0 if is_top_or_left else 1), -dy * SUBSAMPLES, dx * SUBSAMPLES


@kernel
def cover(frame, triangle, setup, material, bank, window, owners, depths):
    """Enters one triangle into a window of samples wherever it is the nearest so far.

    Args:
        frame: the frame.
        triangle: which of its triangles.
        setup: its row of what `set_up_triangles` found.
        material: its row of the material table; samples cut out by a mask are left alone.
        bank: the textures.
        window: (first row, end row, first column, end column) of the samples that the buffers hold;
            all columns of the triangle lie in it.
        owners: [rows, columns] int32, the triangle seen there, -1 for none; changed in place.
        depths: [rows, columns] float32, its depth; changed in place, but not by a material that
            lets what is behind it show through.
    """
    low, high = max(setup.first_row, window[0]), min(setup.end_row, window[1])
    left, right = setup.first_column, setup.end_column
    # Corners in the order that makes the area positive.
    x1, y1, x2, y2 = setup.x1, setup.y1, setup.x2, setup.y2
    if setup.side == FRONT:
        x1, y1, x2, y2 = x2, y2, x1, y1
    edge0, edge0_per_x, edge0_per_y = _edge(setup.x0, setup.y0, x1, y1, left, low)
    edge1, edge1_per_x, edge1_per_y = _edge(x1, y1, x2, y2, left, low)
    edge2, edge2_per_x, edge2_per_y = _edge(x2, y2, setup.x0, setup.y0, left, low)
    has_mask = material.alpha_mode == 1
    writes_depth = material.alpha_mode != 2 or material.blend_writes_depth != 0
    for row in range(low, high):
        window_row = row - window[0]
        row_depth = setup.depth + row * setup.depth_per_y
        e0, e1, e2 = edge0, edge1, edge2
        for column in range(left, right):
            if (e0 | e1 | e2) >= 0:
                depth = np.float32(row_depth + column * setup.depth_per_x)
                place = column - window[2]
                if depth < depths[window_row, place] and not (
                    has_mask and _is_cut_out(frame, triangle, setup, material, bank, column, row)
                ):
                    owners[window_row, place] = triangle
                    if writes_depth:
                        depths[window_row, place] = depth
            e0 += edge0_per_x
            e1 += edge1_per_x
            e2 += edge2_per_x
        edge0 += edge0_per_y
        edge1 += edge1_per_y
        edge2 += edge2_per_y
