"""The colour of a surface: MToon's two tones, rim, matcap, glow and outline, per sample.

Light comes from one direction fixed to the camera. `VRMC_materials_mtoon` 1.0 gives the formulas;
its indirect light, normal maps and UV animation are left out (a flat background has none of them).
"""

from __future__ import annotations

import numpy as np

from tools.avatars.renderer.jit import inlined_kernel
from tools.avatars.renderer.textures import sample_texture, srgb_from_linear
from tools.avatars.scene import Material

# From the upper left, well in front: most of a face is lit, and the far side shows its shade.
LIGHT_DIRECTION = (-0.35, 0.45, 0.82)

_COLORS = {
    "lit": "lit_color",
    "shade": "shade_color",
    "emissive": "emissive_color",
    "rim": "rim_color",
    "matcap": "matcap_color",
    "outline": "outline_color",
}
_NUMBERS = (
    "alpha",
    "alpha_cutoff",
    "shading_shift",
    "shading_toony",
    "rim_power",
    "rim_lift",
    "outline_color_mix",
)
_SWITCHES = ("unlit", "alpha_mode", "blend_writes_depth")
TEXTURE_COLUMNS = ("lit_texture", "shade_texture", "emissive_texture", "matcap_texture")

# Each colour is three numbers (arrays within a record would slow the kernels down).
MATERIAL_DTYPE = np.dtype(
    [(f"{color}_{channel}", np.float32) for color in _COLORS for channel in ("r", "g", "b")]
    + [(name, np.float32) for name in _NUMBERS]
    + [(name, np.int32) for name in (*_SWITCHES, *TEXTURE_COLUMNS, "has_rim", "glows")],
    align=True,
)
_NO_TEXTURE = -1

# A matcap is always sampled at its full size: how it is stretched says nothing about its detail.
FINEST = np.float32(-64.0)
WHITE = (np.float32(1.0), np.float32(1.0), np.float32(1.0))


def build_material_table(materials: tuple[Material, ...]) -> np.ndarray:
    """[M] MATERIAL_DTYPE: what the kernels and shaders read; -1 stands for no texture."""
    table = np.zeros(len(materials), MATERIAL_DTYPE)
    for row, material in zip(table, materials, strict=True):
        for color, attribute in _COLORS.items():
            for channel, value in zip("rgb", getattr(material, attribute), strict=True):
                row[f"{color}_{channel}"] = value
        for name in (*_NUMBERS, *_SWITCHES):
            row[name] = getattr(material, name)
        for name in TEXTURE_COLUMNS:
            texture = getattr(material, name)
            row[name] = _NO_TEXTURE if texture is None else texture
        row["has_rim"] = max(material.rim_color) > 0
        row["glows"] = max(material.emissive_color) > 0
    return table


def light_direction() -> np.ndarray:
    """[3] float32 unit vector towards the light: x right, y up, z towards the viewer."""
    direction = np.array(LIGHT_DIRECTION)
    return (direction / np.linalg.norm(direction)).astype(np.float32)


def build_encoding_table() -> np.ndarray:
    """[4098] float32: sRGB-encoded value of i / 4096, to interpolate in; the last is repeated."""
    return srgb_from_linear(np.minimum(np.arange(4098) / 4096.0, 1.0)).astype(np.float32)


@inlined_kernel
def encode_srgb(table, linear):
    """Linear light to an sRGB-encoded value; both are held to 0 .. 1."""
    position = min(max(linear, np.float32(0.0)), np.float32(1.0)) * np.float32(4096.0)
    index = int(position)
    fraction = position - np.float32(index)
    return table[index] + fraction * (table[index + 1] - table[index])


@inlined_kernel
def shading_of(material, normal_dot_light):
    """0 in the shade colour, 1 in the lit colour (MToon's linearstep)."""
    low = material.shading_toony - np.float32(1.0)
    high = np.float32(1.0) - material.shading_toony
    position = normal_dot_light + material.shading_shift - low
    return min(max(position / max(high - low, np.float32(1e-5)), np.float32(0.0)), np.float32(1.0))


@inlined_kernel
def _times(first, second):
    return first[0] * second[0], first[1] * second[1], first[2] * second[2]


@inlined_kernel
def _plus(first, second):
    return first[0] + second[0], first[1] + second[1], first[2] + second[2]


@inlined_kernel
def _mixed(first, second, part):
    """`first` where part is 0, `second` where it is 1."""
    rest = np.float32(1.0) - part
    return (
        rest * first[0] + part * second[0],
        rest * first[1] + part * second[1],
        rest * first[2] + part * second[2],
    )


@inlined_kernel
def _textured(color, bank, texture, detail, uv):
    """`color` times the texture at `uv`, and the texture's alpha."""
    if texture < 0:
        return (color[0], color[1], color[2]), np.float32(1.0)
    red, green, blue, alpha = sample_texture(bank, texture, detail, uv[0], uv[1])
    return (color[0] * red, color[1] * green, color[2] * blue), alpha


@inlined_kernel
def _rim(material, toward_viewer):
    one, zero = np.float32(1.0), np.float32(0.0)
    base = min(max(one - toward_viewer + material.rim_lift, zero), one)
    strength = base ** max(material.rim_power, np.float32(1e-5))
    return strength * material.rim_r, strength * material.rim_g, strength * material.rim_b


@inlined_kernel
def _matcap(material, bank, normal):
    """The matcap picture shows a lit ball: the normal is the place on it."""
    # A little less than the ball's radius, so that the rim stays on it.
    middle, radius = np.float32(0.5), np.float32(0.495)
    uv = (middle + radius * normal[0], middle - radius * normal[1])
    color = (material.matcap_r, material.matcap_g, material.matcap_b)
    return _textured(color, bank, material.matcap_texture, FINEST, uv)[0]


@inlined_kernel
def shade(material, bank, light, normal, uv, tint, detail, is_ink):
    """Linear red, green, blue (not clipped) and alpha of one sample.

    Args:
        material: one row of the material table.
        bank: TextureBank.
        light: [3] float32, unit vector towards the light.
        normal: (x, y, z) float32, unit, on the viewer's side of the surface.
        uv: (u, v) float32.
        tint: (red, green, blue, alpha) float32, the vertex colour.
        detail: log2 of the texture space that one sample covers.
        is_ink: the sample lies on the hull that draws the outline.
    """
    color, texture_alpha = _textured(
        _times((material.lit_r, material.lit_g, material.lit_b), tint),
        bank,
        material.lit_texture,
        detail,
        uv,
    )
    if not material.unlit:
        lit = shading_of(
            material, normal[0] * light[0] + normal[1] * light[1] + normal[2] * light[2]
        )
        if lit < 1.0:
            dark, _ = _textured(
                _times((material.shade_r, material.shade_g, material.shade_b), tint),
                bank,
                material.shade_texture,
                detail,
                uv,
            )
            color = _mixed(dark, color, lit)
        if material.has_rim:
            color = _plus(color, _rim(material, normal[2]))
        if material.matcap_texture >= 0:
            color = _plus(color, _matcap(material, bank, normal))
    if material.glows:
        glow = (material.emissive_r, material.emissive_g, material.emissive_b)
        glow, _ = _textured(glow, bank, material.emissive_texture, detail, uv)
        color = _plus(color, glow)
    if is_ink:
        mix = material.outline_color_mix
        ink = (material.outline_r, material.outline_g, material.outline_b)
        color = _times(ink, _mixed(WHITE, color, mix))
    return color[0], color[1], color[2], material.alpha * tint[3] * texture_alpha
