"""Materials of glTF and VRM files, brought to the one toon material that is drawn.

MToon 1.0 (`VRMC_materials_mtoon`) is taken as it is. MToon of VRM 0.x differs in units, colour
space and in how its shading range is written. Any other material gets two tones and an outline of
our choice, so that plain glTF avatars look drawn as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from psgan_tf.common.json_document import JsonValue
from psgan_tf.motion.gltf.document import Gltf
from tools.avatars.renderer.textures import linear_from_srgb
from tools.avatars.scene import AlphaMode, Material, OutlineMode

# How materials without toon parameters are drawn.
_PLAIN_SHADE = (0.60, 0.50, 0.62)
_PLAIN_SHIFT = 0.0
_PLAIN_TOONY = 0.95
_PLAIN_OUTLINE_HEIGHTS = 0.0022
_PLAIN_OUTLINE = (0.14, 0.10, 0.12)
_PLAIN_OUTLINE_MIX = 0.7

# Blended materials are laid in the order of their queue: those that write depth first (Unity's
# numbers, which VRM files use; indexed by "writes depth").
_BLEND_QUEUES = (3000, 2501)

_MTOON = "VRMC_materials_mtoon"
_ALPHA_MODES = {mode.name: mode for mode in AlphaMode}

# Gives the texture slot of a glTF texture index.
TextureSlot = Callable[[JsonValue], int]


def _color(value: JsonValue, count: int = 3) -> tuple[float, ...]:
    """Linear channels; above 1 they glow, above 100 they are an error."""
    return tuple(float(channel) for channel in np.clip(value.numbers(count), 0.0, 100.0))


def _number(parent: JsonValue, name: str, default: float, low: float, high: float) -> float:
    return float(np.clip(parent.get(name, default).number(), low, high))


def _texture(parent: JsonValue, name: str, slot: TextureSlot) -> int | None:
    return slot(parent[name]["index"]) if name in parent else None


def _times(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, float, float]:
    return (first[0] * second[0], first[1] * second[1], first[2] * second[2])


def _surface_of(entry: JsonValue, name: str, slot: TextureSlot) -> dict[str, Any]:
    """What every glTF material has: base colour, alpha, glow, sides."""
    pbr = entry.get("pbrMetallicRoughness", {})
    base = _color(pbr.get("baseColorFactor", [1, 1, 1, 1]), 4)
    mode = entry.get("alphaMode", "OPAQUE")
    if mode.text() not in _ALPHA_MODES:
        raise mode.error(f"must be one of {', '.join(_ALPHA_MODES)}")
    strength = entry.get("extensions", {}).get("KHR_materials_emissive_strength", {})
    glow = _number(strength, "emissiveStrength", 1.0, 0.0, 100.0)
    emissive = _color(entry.get("emissiveFactor", [0, 0, 0]))
    return {
        "name": name,
        "lit_color": base[:3],
        "alpha": base[3],
        "lit_texture": _texture(pbr, "baseColorTexture", slot),
        "emissive_color": _times(emissive, (glow, glow, glow)),
        "emissive_texture": _texture(entry, "emissiveTexture", slot),
        "alpha_mode": _ALPHA_MODES[mode.text()],
        "alpha_cutoff": _number(entry, "alphaCutoff", 0.5, 0.0, 2.0),
        "double_sided": entry.get("doubleSided", False).boolean(),
    }


def _plain(surface: dict[str, Any], unlit: bool) -> Material:
    """A material without toon parameters, in two tones and ink."""
    return Material(
        **surface,
        shade_color=_times(surface["lit_color"], _PLAIN_SHADE),
        shade_texture=surface["lit_texture"],
        shading_shift=_PLAIN_SHIFT,
        shading_toony=_PLAIN_TOONY,
        unlit=unlit,
        blend_order=_BLEND_QUEUES[False],
        outline_mode=OutlineMode.NONE if unlit else OutlineMode.PICTURE_HEIGHT,
        outline_width=_PLAIN_OUTLINE_HEIGHTS,
        outline_color=_PLAIN_OUTLINE,
        outline_color_mix=_PLAIN_OUTLINE_MIX,
    )


_OUTLINE_MODES_1 = {
    "none": OutlineMode.NONE,
    "worldCoordinates": OutlineMode.METRES,
    "screenCoordinates": OutlineMode.PICTURE_HEIGHT,
}


def _mtoon_1(surface: dict[str, Any], mtoon: JsonValue, slot: TextureSlot) -> Material:
    """`VRMC_materials_mtoon` 1.0."""
    outline_mode = mtoon.get("outlineWidthMode", "none")
    writes_depth = mtoon.get("transparentWithZWrite", False).boolean()
    offset = mtoon.get("renderQueueOffsetNumber", 0)
    if outline_mode.text() not in _OUTLINE_MODES_1:
        raise outline_mode.error(f"must be one of {', '.join(_OUTLINE_MODES_1)}")
    return Material(
        **surface,
        shade_color=_times(_color(mtoon.get("shadeColorFactor", [0, 0, 0])), (1, 1, 1)),
        shade_texture=_texture(mtoon, "shadeMultiplyTexture", slot),
        shading_shift=_number(mtoon, "shadingShiftFactor", 0.0, -10.0, 10.0),
        shading_toony=_number(mtoon, "shadingToonyFactor", 0.9, 0.0, 1.0),
        rim_color=_times(_color(mtoon.get("parametricRimColorFactor", [0, 0, 0])), (1, 1, 1)),
        rim_power=_number(mtoon, "parametricRimFresnelPowerFactor", 5.0, 0.0, 1e4),
        rim_lift=_number(mtoon, "parametricRimLiftFactor", 0.0, -10.0, 10.0),
        matcap_texture=_texture(mtoon, "matcapTexture", slot),
        matcap_color=_times(_color(mtoon.get("matcapFactor", [1, 1, 1])), (1, 1, 1)),
        outline_mode=_OUTLINE_MODES_1[outline_mode.text()],
        outline_width=_number(mtoon, "outlineWidthFactor", 0.0, 0.0, 10.0),
        outline_color=_times(_color(mtoon.get("outlineColorFactor", [0, 0, 0])), (1, 1, 1)),
        outline_color_mix=_number(mtoon, "outlineLightingMixFactor", 1.0, 0.0, 1.0),
        outline_width_texture=_texture(mtoon, "outlineWidthMultiplyTexture", slot),
        outline_width_channel=1,
        blend_order=_BLEND_QUEUES[writes_depth] + offset.integer(-1000, 1000),
        blend_writes_depth=writes_depth,
    )


# The Unity shaders of VRM 0.x besides MToon: their alpha mode, and whether they write depth.
_UNLIT_SHADERS_0 = {
    "VRM/UnlitTexture": (AlphaMode.OPAQUE, False),
    "VRM/UnlitCutout": (AlphaMode.MASK, False),
    "VRM/UnlitTransparent": (AlphaMode.BLEND, False),
    "VRM/UnlitTransparentZWrite": (AlphaMode.BLEND, True),
}
# _BlendMode: opaque, cutout, transparent, transparent with depth.
_BLEND_MODES_0 = (
    (AlphaMode.OPAQUE, False),
    (AlphaMode.MASK, False),
    (AlphaMode.BLEND, False),
    (AlphaMode.BLEND, True),
)
# _OutlineWidthMode: none, in centimetres, in half percents of the picture's height.
_OUTLINE_MODES_0 = (
    (OutlineMode.NONE, 0.0),
    (OutlineMode.METRES, 0.01),
    (OutlineMode.PICTURE_HEIGHT, 0.005),
)


def _color_0(vectors: JsonValue, name: str, default: list[float]) -> tuple[float, float, float]:
    """A colour of VRM 0.x (sRGB-encoded, with alpha) as linear channels."""
    encoded = np.clip(vectors.get(name, default).numbers(4)[:3], 0.0, 1.0)
    red, green, blue = linear_from_srgb(encoded).tolist()
    return red, green, blue


def _shading_range_0(numbers: JsonValue) -> tuple[float, float]:
    """(shading_shift, shading_toony) that light a surface over the same range.

    VRM 0.x lights it from `_ShadeShift` to a point between that and 1, at `_ShadeToony`.
    """
    dark = _number(numbers, "_ShadeShift", 0.0, -1.0, 1.0)
    toony = _number(numbers, "_ShadeToony", 0.9, 0.0, 1.0)
    bright = (1.0 - toony) + dark * toony
    return -(dark + bright) / 2.0, float(np.clip(1.0 - (bright - dark) / 2.0, 0.0, 1.0))


def _choice(numbers: JsonValue, name: str, choices: tuple[Any, ...]) -> Any:
    index = int(_number(numbers, name, 0.0, 0.0, 100.0))
    if index >= len(choices):
        raise numbers[name].error(f"must be below {len(choices)}")
    return choices[index]


def _mtoon_0(surface: dict[str, Any], entry: JsonValue, slot: TextureSlot) -> Material:
    """MToon as VRM 0.x stores it: Unity's property names and units."""
    numbers = entry.get("floatProperties", {})
    vectors = entry.get("vectorProperties", {})
    textures = entry.get("textureProperties", {})

    def texture(name: str) -> int | None:
        return slot(textures[name]) if name in textures else None

    shift, toony = _shading_range_0(numbers)
    alpha_mode, writes_depth = _choice(numbers, "_BlendMode", _BLEND_MODES_0)
    outline_mode, unit = _choice(numbers, "_OutlineWidthMode", _OUTLINE_MODES_0)
    mixes_outline = _number(numbers, "_OutlineColorMode", 0.0, 0.0, 1.0) >= 1.0
    queue = entry.get("renderQueue", -1).integer(-1, 100_000)
    surface |= {
        "lit_color": _color_0(vectors, "_Color", [1, 1, 1, 1]),
        "alpha": float(np.clip(vectors.get("_Color", [1, 1, 1, 1]).numbers(4)[3], 0.0, 1.0)),
        "lit_texture": texture("_MainTex"),
        # Glow is stored as light, beyond 1 for lamps.
        "emissive_color": _color(vectors.get("_EmissionColor", [0, 0, 0, 1]), 4)[:3],
        "emissive_texture": texture("_EmissionMap"),
        "alpha_mode": alpha_mode,
        "alpha_cutoff": _number(numbers, "_Cutoff", 0.5, 0.0, 2.0),
        "double_sided": _number(numbers, "_CullMode", 2.0, 0.0, 2.0) < 1.0,
    }
    return Material(
        **surface,
        shade_color=_color_0(vectors, "_ShadeColor", [0.97, 0.81, 0.86, 1]),
        shade_texture=texture("_ShadeTexture"),
        shading_shift=shift,
        shading_toony=toony,
        rim_color=_color_0(vectors, "_RimColor", [0, 0, 0, 1]),
        rim_power=_number(numbers, "_RimFresnelPower", 1.0, 0.0, 1e4),
        rim_lift=_number(numbers, "_RimLift", 0.0, -10.0, 10.0),
        matcap_texture=texture("_SphereAdd"),
        outline_mode=outline_mode,
        outline_width=unit * _number(numbers, "_OutlineWidth", 0.5, 0.0, 100.0),
        outline_color=_color_0(vectors, "_OutlineColor", [0, 0, 0, 1]),
        outline_color_mix=(
            _number(numbers, "_OutlineLightingMix", 1.0, 0.0, 1.0) if mixes_outline else 0.0
        ),
        outline_width_texture=texture("_OutlineWidthTexture"),
        outline_width_channel=0,
        blend_order=queue if queue >= 0 else _BLEND_QUEUES[writes_depth],
        blend_writes_depth=writes_depth,
    )


def _vrm_0_entries(gltf: Gltf) -> JsonValue:
    return gltf.document.get("extensions", {}).get("VRM", {}).get("materialProperties", [])


def is_mtoon(gltf: Gltf, index: int) -> bool:
    """Whether a material is MToon of either version (which ignores vertex colours)."""
    vrm_0 = _vrm_0_entries(gltf)
    if index < len(vrm_0):
        return vrm_0[index].get("shader", "").raw == "VRM/MToon"
    return _MTOON in gltf.items("materials")[index].get("extensions", {})


def read_material(gltf: Gltf, index: int, slot: TextureSlot) -> Material:
    """One material of a file.

    Args:
        gltf: the file.
        index: which of its `materials`.
        slot: called with each texture index that the material uses; gives what to store for it.

    Raises:
        ValueError: a value is of the wrong kind; the message names its place in the file.
    """
    entry = gltf.items("materials")[index]
    name = entry.get("name").raw
    surface = _surface_of(entry, name if isinstance(name, str) else f"material{index}", slot)
    extensions = entry.get("extensions", {})
    vrm_0 = _vrm_0_entries(gltf)
    if index < len(vrm_0):
        shader = vrm_0[index].get("shader", "").text()
        if shader == "VRM/MToon":
            return _mtoon_0(surface, vrm_0[index], slot)
        if shader in _UNLIT_SHADERS_0:
            surface["alpha_mode"], writes_depth = _UNLIT_SHADERS_0[shader]
            return Material(
                **surface,
                unlit=True,
                blend_order=_BLEND_QUEUES[writes_depth],
                blend_writes_depth=writes_depth,
            )
    if _MTOON in extensions:
        return _mtoon_1(surface, extensions[_MTOON], slot)
    return _plain(surface, unlit="KHR_materials_unlit" in extensions)


DEFAULT_MATERIAL = _plain(
    {"name": "default"} | {"lit_color": (1.0, 1.0, 1.0), "lit_texture": None}, False
)


def uv_transform(gltf: Gltf, index: int) -> tuple[int, np.ndarray]:
    """(texture coordinate set, [2, 3] affine matrix) that a material's textures are read with.

    The base texture's are used for all of a material's textures, as toon shaders do.
    """
    entry = gltf.items("materials")[index]
    info = entry.get("pbrMetallicRoughness", {}).get("baseColorTexture", {})
    vrm_0 = _vrm_0_entries(gltf)
    if index < len(vrm_0) and vrm_0[index].get("shader", "").raw == "VRM/MToon":
        offset_u, offset_v, scale_u, scale_v = (
            vrm_0[index].get("vectorProperties", {}).get("_MainTex", [0, 0, 1, 1]).numbers(4)
        )
        # Unity counts v from the lower edge.
        return 0, np.array([[scale_u, 0, offset_u], [0, scale_v, 1 - scale_v - offset_v]])
    transform = info.get("extensions", {}).get("KHR_texture_transform", {})
    uv_set = info.get("texCoord", 0).integer(0, 15)
    if "texCoord" in transform:
        uv_set = transform["texCoord"].integer(0, 15)
    offset_u, offset_v = transform.get("offset", [0, 0]).numbers(2)
    scale_u, scale_v = transform.get("scale", [1, 1]).numbers(2)
    angle = transform.get("rotation", 0.0).number()
    cosine, sine = np.cos(angle), np.sin(angle)
    return uv_set, np.array(
        [
            [cosine * scale_u, sine * scale_v, offset_u],
            [-sine * scale_u, cosine * scale_v, offset_v],
        ]
    )
