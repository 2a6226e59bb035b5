"""Draws a frame on the processor: bands of rows, each covered, shaded, blended and averaged.

A band fits the processor's cache, and no band reads another's samples, so the picture is the same
bit for bit however many threads share the bands.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from tools.avatars.renderer.jit import inlined_kernel, kernel
from tools.avatars.renderer.rasterizer import (
    BACK,
    SETUP_DTYPE,
    SKIPPED,
    Frame,
    corner_weights,
    corners_of,
    cover,
    mixed_uv,
    set_up_triangles,
)
from tools.avatars.renderer.shading import build_encoding_table, encode_srgb, light_direction, shade
from tools.avatars.renderer.textures import TextureBank

# Rows of the picture in one band.
_BAND_ROWS = 32


@inlined_kernel
def _mixed(values, corners, weights, channel):
    return (
        weights[0] * values[corners[0], channel]
        + weights[1] * values[corners[1], channel]
        + weights[2] * values[corners[2], channel]
    )


@inlined_kernel
def _mixed_normal(normals, corners, weights, side):
    """The unit normal on the viewer's side (a back face shows the surface's other side)."""
    x = _mixed(normals, corners, weights, 0)
    y = _mixed(normals, corners, weights, 1)
    z = _mixed(normals, corners, weights, 2)
    scale = np.float32(1.0) / np.sqrt(max(x * x + y * y + z * z, np.float32(1e-20)))
    if side == BACK:
        scale = -scale
    return x * scale, y * scale, z * scale


@inlined_kernel
def _mixed_tint(tints, corners, weights):
    return (
        _mixed(tints, corners, weights, 0),
        _mixed(tints, corners, weights, 1),
        _mixed(tints, corners, weights, 2),
        _mixed(tints, corners, weights, 3),
    )


@inlined_kernel
def _lay_over(samples, row, column, red, green, blue, alpha):
    """Blends a colour over a premultiplied sample."""
    rest = np.float32(1.0) - alpha
    samples[row, column, 0] = red * alpha + samples[row, column, 0] * rest
    samples[row, column, 1] = green * alpha + samples[row, column, 1] * rest
    samples[row, column, 2] = blue * alpha + samples[row, column, 2] * rest
    samples[row, column, 3] = alpha + samples[row, column, 3] * rest


@kernel
def _shade_block(frame, setups, materials, bank, tables, window, block, lowest, owners, samples):
    """Shades the samples of a block that belong to triangle `lowest` or a later one.

    Args:
        frame: the frame.
        setups: what `set_up_triangles` found.
        materials: the material table.
        bank: the textures.
        tables: (direction of the light, encoding table).
        window: (first row, end row, first column, end column) of the samples that the buffers hold.
        block: the part of the window to shade, in the same form.
        lowest: samples of triangles before this one are left alone.
        owners: which triangle each sample belongs to.
        samples: premultiplied and sRGB-encoded; changed in place.
    """
    light, encoding = tables
    for row in range(block[0], block[1]):
        for column in range(block[2], block[3]):
            triangle = owners[row - window[0], column - window[2]]
            if triangle < lowest:
                continue
            setup = setups[triangle]
            weights = corner_weights(setup, column, row)
            corners = corners_of(frame, triangle)
            red, green, blue, alpha = shade(
                materials[frame.materials[triangle]],
                bank,
                light,
                _mixed_normal(frame.normals, corners, weights, setup.side),
                mixed_uv(frame, triangle, weights),
                _mixed_tint(frame.tints, corners, weights),
                setup.detail,
                frame.first_ink <= triangle < frame.first_blended,
            )
            if triangle < frame.first_blended:
                alpha = np.float32(1.0)
            _lay_over(
                samples,
                row - window[0],
                column - window[2],
                encode_srgb(encoding, red),
                encode_srgb(encoding, green),
                encode_srgb(encoding, blue),
                min(max(alpha, np.float32(0.0)), np.float32(1.0)),
            )


@kernel
def _cover_surfaces(frame, setups, materials, bank, window, owners, depths):
    """Finds what is in front among surfaces and ink."""
    for triangle in range(frame.first_blended):
        setup = setups[triangle]
        if setup.side != SKIPPED and setup.first_row < window[1] and setup.end_row > window[0]:
            material = materials[frame.materials[triangle]]
            cover(frame, triangle, setup, material, bank, window, owners, depths)


@kernel
def _blend_surfaces(frame, setups, materials, bank, tables, window, owners, depths, samples):
    """Lays the blended triangles over the rest, in their order."""
    for triangle in range(frame.first_blended, len(frame.triangles)):
        setup = setups[triangle]
        low, high = max(setup.first_row, window[0]), min(setup.end_row, window[1])
        if setup.side != SKIPPED and low < high:
            material = materials[frame.materials[triangle]]
            cover(frame, triangle, setup, material, bank, window, owners, depths)
            # Triangles come in the order of their numbers, so a later one never is there yet.
            block = (low, high, np.int64(setup.first_column), np.int64(setup.end_column))
            _shade_block(
                frame, setups, materials, bank, tables, window, block, triangle, owners, samples
            )


@kernel
def _average(samples, samples_per_pixel, first_row, first_column, picture):
    """Box-averages premultiplied samples into the picture from a row and column on."""
    weight = np.float32(1.0 / (samples_per_pixel * samples_per_pixel))
    half = np.float32(0.5)
    for row in range(samples.shape[0] // samples_per_pixel):
        for column in range(samples.shape[1] // samples_per_pixel):
            red = green = blue = alpha = np.float32(0.0)
            for y in range(row * samples_per_pixel, (row + 1) * samples_per_pixel):
                for x in range(column * samples_per_pixel, (column + 1) * samples_per_pixel):
                    red += samples[y, x, 0]
                    green += samples[y, x, 1]
                    blue += samples[y, x, 2]
                    alpha += samples[y, x, 3]
            if alpha > 0:  # stored colours are not premultiplied
                scale = np.float32(255.0) / alpha
                y, x = first_row + row, first_column + column
                picture[y, x, 0] = np.uint8(red * scale + half)
                picture[y, x, 1] = np.uint8(green * scale + half)
                picture[y, x, 2] = np.uint8(blue * scale + half)
                picture[y, x, 3] = np.uint8(alpha * weight * np.float32(255.0) + half)


def _pixels_touched(setups: np.ndarray, samples_per_pixel: int) -> tuple[int, int, int, int]:
    """(first row, end row, first column, end column) of the pixels with a triangle in them."""
    seen = setups[setups["side"] != SKIPPED]
    if not len(seen):
        return 0, 0, 0, 0
    return (
        int(seen["first_row"].min()) // samples_per_pixel,
        -(-int(seen["end_row"].max()) // samples_per_pixel),
        int(seen["first_column"].min()) // samples_per_pixel,
        -(-int(seen["end_column"].max()) // samples_per_pixel),
    )


class _BandPainter:
    """Draws bands of one frame into its picture; each thread has its own, with its own buffers."""

    def __init__(
        self,
        scene: tuple[Frame, np.ndarray, np.ndarray, TextureBank],
        samples_per_pixel: int,
        columns_px: tuple[int, int],
        picture: np.ndarray,
    ) -> None:
        self._scene = scene
        self._tables = (light_direction(), build_encoding_table())
        self._scale = samples_per_pixel
        self._first_px, self._end_px = columns_px
        self._picture = picture
        self._background = 1.0 if picture[0, 0, 3] else 0.0
        shape = (
            _BAND_ROWS * samples_per_pixel,
            (self._end_px - self._first_px) * samples_per_pixel,
        )
        self._owners = np.empty(shape, np.int32)
        self._depths = np.empty(shape, np.float32)
        self._samples = np.empty((*shape, 4), np.float32)

    def paint(self, first_row_px: int) -> None:
        """Draws the band of the picture that begins with a row."""
        rows = min(_BAND_ROWS, len(self._picture) - first_row_px) * self._scale
        owners, depths = self._owners[:rows], self._depths[:rows]
        samples = self._samples[:rows]
        owners.fill(-1)
        depths.fill(np.inf)
        samples.fill(self._background)
        first_row = first_row_px * self._scale
        window = (
            first_row,
            first_row + rows,
            self._first_px * self._scale,
            self._end_px * self._scale,
        )
        frame, setups, materials, bank = self._scene
        _cover_surfaces(frame, setups, materials, bank, window, owners, depths)
        _shade_block(
            frame, setups, materials, bank, self._tables, window, window, 0, owners, samples
        )
        if frame.first_blended < len(frame.triangles):
            _blend_surfaces(
                frame, setups, materials, bank, self._tables, window, owners, depths, samples
            )
        _average(samples, self._scale, first_row_px, self._first_px, self._picture)


def draw_on_cpu(
    frame: Frame,
    materials: np.ndarray,
    bank: TextureBank,
    size_px: tuple[int, int],
    samples_per_pixel: int = 2,
    transparent: bool = False,
    threads: int = 1,
) -> np.ndarray:
    """Draws a frame.

    Args:
        frame: the posed avatar, positions in pixels.
        materials: [M] material table.
        bank: the textures.
        size_px: (width, height) of the picture.
        samples_per_pixel: along each side of a pixel; 2 means 2 x 2.
        transparent: leave the background transparent instead of white.
        threads: how many threads share the work; the picture does not depend on it.

    Returns:
        [height, width, 4] uint8, sRGB, alpha not premultiplied (255 everywhere on white).
    """
    width, height = size_px
    picture = np.full((height, width, 4), 255, np.uint8)
    if transparent:
        picture[..., 3] = 0
    setups = np.empty(len(frame.triangles), SETUP_DTYPE)
    set_up_triangles(
        frame, samples_per_pixel, width * samples_per_pixel, height * samples_per_pixel, setups
    )
    first_row, end_row, *columns = _pixels_touched(setups, samples_per_pixel)
    scene = (frame, setups, materials, bank)
    bands = range(first_row // _BAND_ROWS * _BAND_ROWS, end_row, _BAND_ROWS)

    def paint_share(share: int) -> None:
        painter = _BandPainter(scene, samples_per_pixel, (columns[0], columns[1]), picture)
        for band in bands[share::threads]:
            painter.paint(band)

    if threads == 1:
        paint_share(0)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(paint_share, range(threads)))
    return picture
