"""Costumes of a user's own avatar, by a small JSON file.

    {"costumes": {
        "school": {},
        "night": {
            "hide": ["Backpack", "*Hat*"],
            "materials": {
                "Hair*": {"hue_degrees": 120, "saturation": 0.8},
                "Dress": {"color": "#223366", "outline_color": "#101018"},
                "Face": {"texture": "face_painted.png"}},
            "expression": {"happy": 1.0}}}}

Names may hold * and ?; a mesh is meant by its own name, its node's, or its material's. Pictures
are looked for beside the JSON file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from psgan_tf.common.files import read_source
from psgan_tf.common.json_document import JsonValue, parse_json
from tools.avatars.loading.recolouring import (
    HueChange,
    changed_factor,
    changed_pixels,
    linear_from_hex,
)
from tools.avatars.loading.texture_reading import decode_picture
from tools.avatars.scene import Material, MeshPart, Surfaces, Texture

Color = tuple[float, float, float]

_COSTUME_KEYS = ("hide", "show", "materials", "expression")
_MATERIAL_KEYS = (
    "color",
    "shade_color",
    "outline_color",
    "hue_degrees",
    "saturation",
    "brightness",
    "only_hues_degrees",
    "texture",
)
_LARGEST_TEXTURE_PX = 2048
_NO_CHANGE = HueChange()


@dataclass(frozen=True)
class MaterialChange:
    """What a costume does to the materials of one pattern; None leaves a thing as it is.

    Attributes:
        color: the lit colour; without `shade_color` the shade keeps its ratio to it.
        shade_color, outline_color: those colours.
        hue: change of the colours and textures that are there.
        texture: picture to take for the lit and shade textures, [H, W, 4] uint8.
    """

    color: Color | None = None
    shade_color: Color | None = None
    outline_color: Color | None = None
    hue: HueChange = _NO_CHANGE
    texture: np.ndarray | None = None


@dataclass(frozen=True)
class Costume:
    """One look of an avatar.

    Attributes:
        name: for file names and the manifest.
        hide, show: patterns; what is hidden and then shown again is shown.
        materials: pattern to change.
        expression: expression name to strength.
    """

    name: str
    hide: tuple[str, ...] = ()
    show: tuple[str, ...] = ()
    materials: Mapping[str, MaterialChange] = field(default_factory=dict)
    expression: Mapping[str, float] = field(default_factory=dict)


PLAIN_COSTUME = Costume("plain")


def _refuse_others(value: JsonValue, known: tuple[str, ...]) -> None:
    for key in value.members():
        if key not in known:
            raise value[key].error(f"is no setting (they are {', '.join(known)})")


def _color_of(value: JsonValue, key: str) -> Color | None:
    if key not in value:
        return None
    try:
        return linear_from_hex(value[key].text())
    except ValueError as error:
        raise value[key].error(str(error)) from None


def _factor(value: JsonValue, key: str) -> float:
    number = value.get(key, 1.0).number()
    if not 0.0 <= number <= 10.0:
        raise value[key].error("must be from 0 to 10")
    return number


def _read_change(value: JsonValue, folder: Path) -> MaterialChange:
    _refuse_others(value, _MATERIAL_KEYS)
    only = None
    if "only_hues_degrees" in value:
        low, high = value["only_hues_degrees"].numbers(2).tolist()
        only = (low, high)
    texture = None
    if "texture" in value:
        data = read_source(folder / value["texture"].text())
        try:
            texture = decode_picture(data, _LARGEST_TEXTURE_PX)
        except ValueError as error:
            raise value["texture"].error(f"must name a picture ({error})") from None
    return MaterialChange(
        color=_color_of(value, "color"),
        shade_color=_color_of(value, "shade_color"),
        outline_color=_color_of(value, "outline_color"),
        hue=HueChange(
            value.get("hue_degrees", 0.0).number(),
            _factor(value, "saturation"),
            _factor(value, "brightness"),
            only,
        ),
        texture=texture,
    )


def _read_costume(name: str, value: JsonValue, folder: Path) -> Costume:
    _refuse_others(value, _COSTUME_KEYS)
    if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
        raise value.error("must have a name of letters, digits, - and _ (it becomes a file's name)")
    expression = {}
    for key, strength in value.get("expression", {}).members().items():
        expression[key] = strength.number()
        if not 0.0 <= expression[key] <= 1.0:
            raise strength.error("must be from 0 to 1")
    return Costume(
        name=name,
        hide=tuple(item.text() for item in value.get("hide", [])),
        show=tuple(item.text() for item in value.get("show", [])),
        materials={
            pattern: _read_change(change, folder)
            for pattern, change in value.get("materials", {}).members().items()
        },
        expression=expression,
    )


def read_costumes(path: str | Path) -> tuple[Costume, ...]:
    """The costumes of a JSON file, in its order.

    Raises:
        ValueError: the file or a picture in it cannot be read, or a setting is unknown or wrong.
    """
    path = Path(path)
    document = parse_json(read_source(path), path.name)
    _refuse_others(document, ("costumes",))
    costumes = document["costumes"].members()
    if not costumes:
        raise document["costumes"].error("must hold at least one costume")
    return tuple(_read_costume(name, value, path.parent) for name, value in costumes.items())


def _names_of(part: MeshPart, surfaces: Surfaces) -> set[str]:
    return {part.mesh_name, part.node_name, surfaces.materials[part.material].name}


def _check_pattern(pattern: str, names: set[str], kind: str, costume: Costume) -> None:
    if not any(fnmatchcase(name, pattern) for name in names):
        listing = ", ".join(sorted(names)[:60])
        raise ValueError(
            f"`{kind}` of costume {costume.name!r} must name something of the avatar. Received: "
            f"{pattern!r}, which matches none of: {listing}. Correct the name; * stands for any "
            "letters."
        )


def check_costume(costume: Costume, surfaces: Surfaces) -> None:
    """Raises ValueError where a costume names what the avatar lacks, or hides all of it."""
    meshes = set().union(*(_names_of(part, surfaces) for part in surfaces.parts))
    for kind, patterns in (("hide", costume.hide), ("show", costume.show)):
        for pattern in patterns:
            _check_pattern(pattern, meshes, kind, costume)
    materials = {surfaces.materials[part.material].name for part in surfaces.parts}
    for pattern in costume.materials:
        _check_pattern(pattern, materials, "materials", costume)
    for name in costume.expression:
        if name not in surfaces.expressions:
            known = ", ".join(sorted(surfaces.expressions)) or "none"
            raise ValueError(
                f"`expression` of costume {costume.name!r} must name expressions of the avatar. "
                f"Received: {name!r}; the avatar has {known}. Correct the name."
            )
    if not shown_parts(costume, surfaces):
        raise ValueError(
            f"`hide` of costume {costume.name!r} must leave something to draw. Received: patterns "
            "that hide every mesh. Hide fewer, or show some again."
        )


def shown_parts(costume: Costume, surfaces: Surfaces) -> tuple[MeshPart, ...]:
    """The parts of the avatar that the costume leaves visible."""

    def matches(part: MeshPart, patterns: tuple[str, ...]) -> bool:
        names = _names_of(part, surfaces)
        return any(fnmatchcase(name, pattern) for pattern in patterns for name in names)

    return tuple(
        part
        for part in surfaces.parts
        if matches(part, costume.show) or not matches(part, costume.hide)
    )


def _shade_beside(material: Material, color: Color) -> Color:
    """The shade colour that relates to `color` as the material's does to its lit colour."""
    red, green, blue = (
        new * min(shade / old, 1.0) if old > 1e-4 else new * 0.5
        for new, shade, old in zip(color, material.shade_color, material.lit_color, strict=True)
    )
    return red, green, blue


def _changed(material: Material, change: MaterialChange, textures: list[Texture]) -> Material:
    """The material after the change; textures it needs are appended to `textures`."""
    if not change.hue.changes_nothing:
        material = replace(
            material,
            lit_color=changed_factor(material.lit_color, change.hue),
            shade_color=changed_factor(material.shade_color, change.hue),
            lit_texture=_changed_texture(material.lit_texture, change.hue, textures),
            shade_texture=_changed_texture(material.shade_texture, change.hue, textures),
        )
    if change.texture is not None:
        textures.append(Texture("costume", change.texture))
        shade = len(textures) - 1 if material.shade_texture is not None else None
        material = replace(material, lit_texture=len(textures) - 1, shade_texture=shade)
    if change.color is not None:
        shade_color = _shade_beside(material, change.color)
        material = replace(material, lit_color=change.color, shade_color=shade_color)
    if change.shade_color is not None:
        material = replace(material, shade_color=change.shade_color)
    if change.outline_color is not None:
        material = replace(material, outline_color=change.outline_color)
    return material


def _changed_texture(texture: int | None, hue: HueChange, textures: list[Texture]) -> int | None:
    if texture is None:
        return None
    pixels = changed_pixels(textures[texture].pixels, hue)
    textures.append(replace(textures[texture], pixels=pixels))
    return len(textures) - 1


def dressed(surfaces: Surfaces, costume: Costume) -> Surfaces:
    """The avatar in a costume that `check_costume` accepts: only what is visible is kept."""
    textures = list(surfaces.textures)
    materials = []
    for material in surfaces.materials:
        for pattern, change in costume.materials.items():
            if fnmatchcase(material.name, pattern):
                material = _changed(material, change, textures)
        materials.append(material)
    return replace(
        surfaces,
        textures=tuple(textures),
        materials=tuple(materials),
        parts=shown_parts(costume, surfaces),
    )
