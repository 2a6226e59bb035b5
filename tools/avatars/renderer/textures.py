"""Textures in one block of memory, with halved levels, and the kernel that samples them.

Colours are decoded from sRGB before they are interpolated, so every backend filters light.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tools.avatars.renderer.jit import inlined_kernel
from tools.avatars.scene import Texture

# Samples are taken 2 x 2 a pixel, so a level half a step sharper than usual does not shimmer.
LEVEL_BIAS = -0.5

TEXTURE_DTYPE = np.dtype(
    [
        ("first_level", np.int32),
        ("num_levels", np.int32),
        ("wrap_u", np.int32),
        ("wrap_v", np.int32),
        ("nearest", np.int32),
        ("log2_size", np.float32),
    ],
    align=True,
)
LEVEL_DTYPE = np.dtype([("first_texel", np.int64), ("width", np.int32), ("height", np.int32)])


class TextureBank(NamedTuple):
    """All textures of an avatar.

    Attributes:
        texels: [N, 4] uint8, level after level, row after row; colours sRGB-encoded.
        levels: [L] LEVEL_DTYPE.
        textures: [T] TEXTURE_DTYPE; `log2_size` is log2 of the geometric mean of its sides.
        decoding: [256] float32, sRGB byte to linear light.
    """

    texels: np.ndarray
    levels: np.ndarray
    textures: np.ndarray
    decoding: np.ndarray


def linear_from_srgb(encoded: np.ndarray) -> np.ndarray:
    """sRGB-encoded values from 0 to 1 to linear light (IEC 61966-2-1)."""
    encoded = np.asarray(encoded, np.float64)
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def srgb_from_linear(linear: np.ndarray) -> np.ndarray:
    """Linear light from 0 to 1 to sRGB-encoded values."""
    linear = np.asarray(linear, np.float64)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def halved(pixels: np.ndarray) -> np.ndarray:
    """[H, W, 4] uint8 at half size (at least 1): mean of light, weighted by alpha.

    A side of odd length gives up its last row or column.
    """
    height, width = pixels.shape[:2]
    rows, columns = min(2, height), min(2, width)
    cropped = pixels[: height // rows * rows, : width // columns * columns]
    blocks = cropped.reshape(height // rows, rows, width // columns, columns, 4)
    light = linear_from_srgb(np.arange(256) / 255.0).astype(np.float32)[blocks[..., :3]]
    alpha = blocks[..., 3:].astype(np.float32)
    # Where all is transparent the colours still matter, as neighbours of what is not.
    weights = np.where(alpha.sum(axis=(1, 3), keepdims=True) > 0, alpha, 1.0)
    mean = (light * weights).sum(axis=(1, 3)) / weights.sum(axis=(1, 3))
    colors = np.clip(srgb_from_linear(mean), 0.0, 1.0) * 255.0
    return np.rint(np.concatenate([colors, alpha.mean(axis=(1, 3))], axis=-1)).astype(np.uint8)


def _levels_of(texture: Texture) -> list[np.ndarray]:
    levels = [np.ascontiguousarray(texture.pixels)]
    while not texture.nearest and max(levels[-1].shape[:2]) > 1:
        levels.append(halved(levels[-1]))
    return levels


def build_texture_bank(textures: tuple[Texture, ...]) -> TextureBank:
    """Packs `textures`; the index of each is kept."""
    texels = [np.zeros((0, 4), np.uint8)]
    levels: list[tuple[int, int, int]] = []
    table = np.zeros(len(textures), TEXTURE_DTYPE)
    num_texels = 0
    for entry, texture in zip(table, textures, strict=True):
        chain = _levels_of(texture)
        height, width = chain[0].shape[:2]
        size = 0.5 * np.log2(float(width) * height)
        entry["first_level"], entry["num_levels"] = len(levels), len(chain)
        entry["wrap_u"], entry["wrap_v"] = texture.wrap_u, texture.wrap_v
        entry["nearest"], entry["log2_size"] = texture.nearest, size
        for level in chain:
            levels.append((num_texels, level.shape[1], level.shape[0]))
            texels.append(level.reshape(-1, 4))
            num_texels += len(texels[-1])
    return TextureBank(
        texels=np.concatenate(texels),
        levels=np.array(levels, LEVEL_DTYPE),
        textures=table,
        decoding=linear_from_srgb(np.arange(256) / 255.0).astype(np.float32),
    )


@inlined_kernel
def _wrapped(index, size, wrap):
    """The texel that stands for `index`, which may lie outside 0 .. size - 1."""
    if 0 <= index < size:
        return index
    if wrap == 1:  # Wrap.CLAMP
        return 0 if index < 0 else size - 1
    if wrap == 0:  # Wrap.REPEAT
        return index % size
    index %= 2 * size
    return index if index < size else 2 * size - 1 - index


@inlined_kernel
def _level_of(bank, texture, log2_uv_per_sample):
    """The level whose texels are nearest in size to one sample."""
    entry = bank.textures[texture]
    level = int(np.floor(log2_uv_per_sample + entry.log2_size + LEVEL_BIAS + 0.5))
    return entry.first_level + min(max(level, 0), entry.num_levels - 1)


@inlined_kernel
def _texel(bank, level, x, y):
    entry = bank.levels[level]
    return entry.first_texel + y * entry.width + x


@inlined_kernel
def sample_texture(bank, texture, log2_uv_per_sample, u, v):
    """Linear red, green, blue and alpha of a texture at (u, v), between four texels."""
    if not (abs(u) < 1e6 and abs(v) < 1e6):
        u = v = np.float32(0.0)
    level = _level_of(bank, texture, log2_uv_per_sample)
    entry = bank.textures[texture]
    width, height = bank.levels[level].width, bank.levels[level].height
    x, y = u * np.float32(width), v * np.float32(height)
    if entry.nearest:
        column = _wrapped(int(np.floor(x)), width, entry.wrap_u)
        row = _wrapped(int(np.floor(y)), height, entry.wrap_v)
        texel = _texel(bank, level, column, row)
        return (
            bank.decoding[bank.texels[texel, 0]],
            bank.decoding[bank.texels[texel, 1]],
            bank.decoding[bank.texels[texel, 2]],
            np.float32(bank.texels[texel, 3]) * np.float32(1 / 255),
        )
    x -= np.float32(0.5)
    y -= np.float32(0.5)
    column, row = int(np.floor(x)), int(np.floor(y))
    right_part, lower_part = x - np.float32(column), y - np.float32(row)
    left, right = _wrapped(column, width, entry.wrap_u), _wrapped(column + 1, width, entry.wrap_u)
    upper, lower = _wrapped(row, height, entry.wrap_v), _wrapped(row + 1, height, entry.wrap_v)
    return _interpolated(
        bank,
        _texel(bank, level, left, upper),
        _texel(bank, level, right, upper),
        _texel(bank, level, left, lower),
        _texel(bank, level, right, lower),
        right_part,
        lower_part,
    )


@inlined_kernel
def _interpolated(bank, upper_left, upper_right, lower_left, lower_right, right_part, lower_part):
    one = np.float32(1.0)
    a = (one - right_part) * (one - lower_part)
    b = right_part * (one - lower_part)
    c = (one - right_part) * lower_part
    d = right_part * lower_part
    red = green = blue = alpha = np.float32(0.0)
    for texel, weight in ((upper_left, a), (upper_right, b), (lower_left, c), (lower_right, d)):
        red += weight * bank.decoding[bank.texels[texel, 0]]
        green += weight * bank.decoding[bank.texels[texel, 1]]
        blue += weight * bank.decoding[bank.texels[texel, 2]]
        alpha += weight * bank.texels[texel, 3]
    return red, green, blue, alpha * np.float32(1 / 255)
