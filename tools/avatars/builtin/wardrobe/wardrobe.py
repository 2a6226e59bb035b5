"""Koharu's wardrobe: all garments, and the named costumes that are put together from them.

    wardrobe_parts()    the meshes, for the avatar's file
    costume_document()  the costumes in the format of `tools.avatars.loading.costumes`

A garment is a part and its details, whose names begin with its own: `blazer`, `blazer_lapels`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from tools.avatars.builtin.figure import figure_parts
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.wardrobe.accessories.back import back_accessories
from tools.avatars.builtin.wardrobe.accessories.hats import hats
from tools.avatars.builtin.wardrobe.accessories.head import head_accessories
from tools.avatars.builtin.wardrobe.accessories.neck import neck_accessories
from tools.avatars.builtin.wardrobe.garments.dresses import dress_garments
from tools.avatars.builtin.wardrobe.garments.shoes import shoe_garments
from tools.avatars.builtin.wardrobe.garments.skirts import skirt_garments
from tools.avatars.builtin.wardrobe.garments.sleeves import sleeve_garments
from tools.avatars.builtin.wardrobe.garments.socks import sock_garments
from tools.avatars.builtin.wardrobe.garments.tops import top_garments
from tools.avatars.builtin.wardrobe.garments.trousers import trouser_garments
from tools.avatars.builtin.wardrobe.looks.look import Look
from tools.avatars.builtin.wardrobe.looks.school import LOOKS as SCHOOL_LOOKS
from tools.avatars.builtin.wardrobe.looks.seasons import LOOKS as SEASON_LOOKS
from tools.avatars.builtin.wardrobe.looks.stage import LOOKS as STAGE_LOOKS
from tools.avatars.builtin.wardrobe.palette import Tone, lining_of, tone_of

LOOKS: tuple[Look, ...] = (*SCHOOL_LOOKS, *SEASON_LOOKS, *STAGE_LOOKS)

# Garments whose names begin with another garment's.
_OWN = ("tee_striped", "shorts_long", "skirt_pleated_long")
_LINING, _LEFT_OUT = "_lining", "-"
# What a colour on the eyes and the hair goes to besides the material of that name.
_HAIR, _BROWS, _EYES = "Hair", "HairBrows", "EyeIris"

_TRUNK = ("Waist", "Chest")
_SEAT = ("Hips", "UpperThigh")
_LEGS = ("Hips", "UpperThigh", "Thigh", "Shin")
# Regions of the body that garments cover for certain: what is hidden cannot poke through.
_COVERED: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("tee", "tee_striped", "blouse_dotted", "shirt", "hoodie", "sweater",
                     "track_jacket", "tunic", "armour"), _TRUNK),
    **dict.fromkeys(("sailor", "vest", "kimono", "tank", "corset", "halter"), ("Waist",)),
    **dict.fromkeys(("sleeves_short", "sleeves_puff"), ("Shoulder",)),
    **dict.fromkeys(("sleeves_long", "sleeves_fitted", "sleeves_jacket", "sleeves_bulky",
                     "sleeves_rolled", "sleeves_bell", "sleeves_wide"), ("Shoulder", "UpperArm")),
    **dict.fromkeys(("skirt_pleated", "skirt_checked", "skirt_pleated_long", "skirt_flared",
                     "skirt_knee", "skirt_flowered", "skirt_straight", "skirt_bell",
                     "skirt_balloon", "skirt_tutu", "skirt_train", "skirt_tiered",
                     "skirt_wrapped"), _SEAT),
    **dict.fromkeys(("skirt_long", "skirt_striped", "skirt_gown", "skirt_mermaid",
                     "skirt_hakama"), (*_SEAT, "Thigh")),
    **dict.fromkeys(("trousers_slim", "trousers_straight", "trousers_wide", "trousers_bell",
                     "trousers_joggers", "trousers_harem"), _LEGS),
    **dict.fromkeys(("shorts", "shorts_long", "bloomers"), _SEAT),
    "breeches": (*_SEAT, "Thigh"),
    **dict.fromkeys(("dress_sun", "dress_dotted", "dress_party", "pinafore", "dress_tent"),
                    ("Waist", *_SEAT)),
    **dict.fromkeys(("dress_school", "dress_maid", "dress_ruffled", "raincoat"), (*_TRUNK, *_SEAT)),
    **dict.fromkeys(("dress_gown", "dress_princess", "dress_qipao", "yukata", "robe",
                     "nightgown"), ("Waist", *_SEAT, "Thigh")),
    "coat_winter": (*_TRUNK, *_SEAT),
    "coat_trench": ("Waist", *_SEAT),
    **dict.fromkeys(("socks_ankle", "socks_crew", "socks_knee"), ("Foot",)),
    **dict.fromkeys(("socks_thigh", "socks_striped"), ("Foot", "Shin")),
    "tights": ("Foot", "Shin", "Thigh", "UpperThigh"),
    **dict.fromkeys(("boots_short", "boots_tall", "boots_rain", "boots_snow"), ("Foot",)),
    "boots_thigh": ("Foot", "Shin"),
}  # fmt: skip
# Under these, short trousers are worn.
_OPEN_BELOW = tuple(
    name
    for name, regions in _COVERED.items()
    if name.startswith(("skirt_", "dress_", "pinafore", "raincoat", "coat_"))
    and "Thigh" not in regions
)
_UNDER, _UNDER_COLOR = "under_shorts", "charcoal"


@lru_cache(maxsize=1)
def _garment_parts() -> tuple[Part, ...]:
    return (
        *top_garments(),
        *sleeve_garments(),
        *dress_garments(),
        *skirt_garments(),
        *trouser_garments(),
        *sock_garments(),
        *shoe_garments(),
        *hats(),
        *head_accessories(),
        *neck_accessories(),
        *back_accessories(),
    )


def wardrobe_parts() -> list[Part]:
    """Every garment's parts, in an order that stays."""
    return list(_garment_parts())


@lru_cache(maxsize=1)
def _figure_names() -> tuple[str, ...]:
    return tuple(part.name for part in figure_parts())


@lru_cache(maxsize=1)
def garments() -> dict[str, tuple[str, ...]]:
    """Each garment's name to the names of its parts, the garment itself first, linings last."""
    names = [part.name for part in _garment_parts()]

    def is_detail(name: str, owner: str) -> bool:
        return name != owner and name.startswith(owner + "_") and name not in _OWN

    owners = [name for name in names if not any(is_detail(name, other) for other in names)]
    groups: dict[str, list[str]] = {owner: [owner] for owner in owners}
    for name in names:
        holders = [owner for owner in owners if is_detail(name, owner)]
        if holders:
            groups[max(holders, key=len)].append(name)
    return {
        owner: tuple(sorted(parts, key=lambda name: name.endswith(_LINING)))
        for owner, parts in groups.items()
    }


def hair_of(look: Look) -> tuple[str, str, str]:
    """(fringe, back, colour's name): the two parts of a look's hair, and what colour it has."""
    fringe, back, color = look.hair.split()
    return f"HairFringe{fringe}", f"HairBack{back}", color


def garment_colors(look: Look) -> Iterator[tuple[str, Tone]]:
    """Each part of clothing that a look shows, with its tone.

    Raises:
        ValueError: the look names an unknown garment, or gives one more colours than it has parts.
    """
    for garment, colors in look.wear.items():
        parts = garments().get(garment)
        if parts is None:
            raise ValueError(
                f"`wear` of look {look.name!r} must name garments. Received: {garment!r}. "
                f"They are {', '.join(garments())}."
            )
        names = colors.split()
        details = [part for part in parts if not part.endswith(_LINING)]
        if len(names) > len(details):
            raise ValueError(
                f"`wear` of look {look.name!r} must give {garment!r} at most {len(details)} "
                f"colours. Received: {colors!r}. Leave some out."
            )
        names += names[-1:] * (len(details) - len(names))
        for part, color in zip(details, names, strict=True):
            if color != _LEFT_OUT:
                yield part, tone_of(color)
        for part in parts[len(details) :]:
            yield part, lining_of(names[0])
    if any(garment in _OPEN_BELOW for garment in look.wear) and not _wears_trousers(look):
        yield _UNDER, tone_of(_UNDER_COLOR)


def _wears_trousers(look: Look) -> bool:
    return any(
        garment.startswith(("trousers_", "shorts", "breeches", "bloomers", "tights"))
        for garment in look.wear
    )


def covered_regions(look: Look) -> set[str]:
    """Names of the body's regions that lie below a look's clothes for certain."""
    return {region for garment in look.wear for region in _COVERED.get(garment, ())}


def shown_parts_of(look: Look) -> list[str]:
    """Names of all meshes that a look shows, body and face included."""
    fringe, back, _ = hair_of(look)
    covered = tuple(covered_regions(look))
    figure = [
        name
        for name in _figure_names()
        if not name.startswith("Hair")
        and not (name.startswith("Body") and _region_of(name) in covered)
    ]
    return [*figure, fringe, back, *(name for name, _ in garment_colors(look))]


def _region_of(name: str) -> str:
    return name.removeprefix("Body").removeprefix("Left").removeprefix("Right")


def _material_change(tone: Tone) -> dict[str, str]:
    return dict(tone._asdict())


def _costume(look: Look) -> dict[str, Any]:
    hair_tone, eye_tone = tone_of(hair_of(look)[2]), tone_of(look.eyes)
    eye = {"color": eye_tone.color, "shade_color": eye_tone.shade_color}
    brow = {"color": hair_tone.shade_color, "shade_color": hair_tone.shade_color}
    materials = {_HAIR: _material_change(hair_tone), _BROWS: brow, _EYES: eye}
    for part, tone in garment_colors(look):
        materials[part] = _material_change(tone)
    return {"hide": ["*"], "show": shown_parts_of(look), "materials": materials}


def costume_document() -> dict[str, Any]:
    """All costumes, ready to be written as JSON: what each shows and which colours it has."""
    return {"costumes": {look.name: _costume(look) for look in LOOKS}}
