"""Tops: shirts, jackets, knitwear, kimono, armour; sleeves come from `sleeves`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tools.avatars.builtin.shapes.part import Part, Picture
from tools.avatars.builtin.wardrobe.bodices import (
    BOAT,
    CREW,
    DEEP_V,
    HIGH,
    SCOOP,
    STRAPLESS,
    V_NECK,
    Bodice,
    band,
    bodice_part,
    buttons,
    neck_ring,
    on_bodice,
)
from tools.avatars.builtin.wardrobe.cloth import as_one, cloth_material
from tools.avatars.builtin.wardrobe.garments.collars import (
    crossed_collar,
    hood_down,
    lapels,
    rolled_collar,
    sailor_collar,
    standing_collar,
    turned_collar,
)
from tools.avatars.builtin.wardrobe.patterns import DOTS, STRIPES

_SLOT = "top"

TEE = Bodice(low=0.885, air=0.012, drape=0.75)
TANK = Bodice(low=0.90, neckline=SCOOP, air=0.006, drape=0.45)
BLOUSE = Bodice(low=0.925, air=0.009, drape=0.55)
SAILOR = Bodice(low=0.915, neckline=V_NECK, air=0.012, drape=0.8)
BLAZER = Bodice(low=0.845, air=0.020, drape=0.55, flare=0.022, gap=(0.20, 0.02, 0.30, 0.62))
VEST = Bodice(low=0.895, neckline=DEEP_V, air=0.021, drape=0.6)
HOODIE = Bodice(low=0.865, air=0.026, drape=0.95, creases=0.005)
SWEATER = Bodice(low=0.865, neckline=HIGH, air=0.020, drape=0.9, creases=0.004)
CARDIGAN = Bodice(low=0.80, air=0.020, drape=0.8, flare=0.012, gap=(0.42, 0.30, 0.32, 0.58))
KIMONO = Bodice(low=0.94, neckline=DEEP_V, air=0.015, drape=0.8)
CROP = Bodice(low=1.02, neckline=BOAT, air=0.014, drape=1.0)
CORSET = Bodice(low=0.915, neckline=STRAPLESS, air=0.008, drape=0.1, creases=0.0)
TRACK = Bodice(low=0.875, neckline=HIGH, air=0.020, drape=0.85, creases=0.004)
TUNIC = Bodice(low=0.79, air=0.015, drape=0.35, flare=0.055)
BIKER = Bodice(low=0.955, air=0.020, drape=0.7, gap=(0.30, 0.30, 0.34, 0.66))
ARMOUR = Bodice(low=0.945, air=0.020, drape=0.25, creases=0.0)
HALTER = Bodice(
    low=0.915, neckline=replace(STRAPLESS, front=1.175, side=1.14), air=0.007, drape=0.4
)


def _plain(
    name: str,
    shape: Bodice,
    collar: tuple[float, float] = (0.955, 1.0),
    texture: Picture | None = None,
) -> list[Part]:
    """A shell with a border round the neck, `<name>_rib`."""
    part = bodice_part(name, _SLOT, shape)
    if texture is not None:
        part = replace(part, material=cloth_material(name, texture))
    return [part, band(name + "_rib", _SLOT, shape, collar)]


def _shirt() -> list[Part]:
    row = [(rise, 0.0) for rise in (0.12, 0.30, 0.48, 0.66, 0.84)]
    placket = on_bodice(
        "shirt_placket",
        _SLOT,
        BLOUSE,
        lambda u, v: (v * 0.95, (u - 0.5) * 0.035 % 1.0),
        (2, 12),
        0.002,
    )
    return [
        bodice_part("shirt", _SLOT, BLOUSE),
        turned_collar("shirt_collar", _SLOT, BLOUSE),
        as_one("shirt_buttons", [placket, *buttons("b", _SLOT, BLOUSE, row, 0.006)]),
    ]  # fmt: skip


def _sailor() -> list[Part]:
    return [
        bodice_part("sailor", _SLOT, SAILOR),
        sailor_collar("sailor_collar", _SLOT, SAILOR),
        sailor_collar("sailor_line", _SLOT, SAILOR, (0.74, 0.86)),
        band("sailor_hem", _SLOT, SAILOR, (0.0, 0.06)),
    ]


def _blazer() -> list[Part]:
    row = [(rise, 0.022) for rise in (0.24, 0.36)]
    pockets = [
        on_bodice(
            "p",
            _SLOT,
            BLAZER,
            lambda u, v, s=side: (0.20 + 0.035 * v, s + 0.085 * (u - 0.5)),
            (3, 1),
            0.004,
        )
        for side in (0.12, 0.88)
    ]
    return [
        bodice_part("blazer", _SLOT, BLAZER),
        lapels("blazer_lapels", _SLOT, BLAZER, 0.44),
        as_one("blazer_buttons", buttons("b", _SLOT, BLAZER, row)),
        as_one("blazer_pockets", pockets),
    ]


def _hoodie() -> list[Part]:
    pocket = on_bodice(
        "hoodie_pocket", _SLOT, HOODIE,
        lambda u, v: (0.10 + 0.24 * v, ((u - 0.5) * (0.30 - 0.10 * v)) % 1.0), (8, 3), 0.005,
    )  # fmt: skip
    return [
        bodice_part("hoodie", _SLOT, HOODIE),
        hood_down("hoodie_hood", _SLOT),
        as_one("hoodie_rib", [band("r", _SLOT, HOODIE, (0.0, 0.075), lift=0.001), pocket]),
    ]


def _sweater() -> list[Part]:
    return [
        bodice_part("sweater", _SLOT, SWEATER),
        as_one("sweater_rib", [rolled_collar("r", _SLOT), band("r", _SLOT, SWEATER, (0.0, 0.075))]),
        band("sweater_stripe", _SLOT, SWEATER, (0.50, 0.60)),
    ]


def _cardigan() -> list[Part]:
    row = [(rise, 0.030) for rise in (0.14, 0.28, 0.42)]
    edge = [
        on_bodice("e", _SLOT, CARDIGAN, lambda u, v, s=side: (v, s(u)), (2, 14), 0.004)
        for side in (lambda u: 0.032 * u, lambda u: 1.0 - 0.032 * u)
    ]
    return [
        bodice_part("cardigan", _SLOT, CARDIGAN),
        as_one("cardigan_edge", [band("e", _SLOT, CARDIGAN, (0.0, 0.06)), *edge]),
        as_one("cardigan_buttons", buttons("b", _SLOT, CARDIGAN, row)),
    ]


def _track_jacket() -> list[Part]:
    zip_line = on_bodice(
        "track_jacket_zip", _SLOT, TRACK, lambda u, v: (v, (u - 0.5) * 0.018 % 1.0), (1, 14), 0.003
    )
    collar = neck_ring("c", _SLOT, (1.232, 1.250, 1.272, 1.290), (0.066, 0.054, 0.050, 0.050), 0.15)
    stripes = [band("s", _SLOT, TRACK, (0.60, 0.64)), band("s", _SLOT, TRACK, (0.67, 0.71))]
    return [
        bodice_part("track_jacket", _SLOT, TRACK),
        as_one("track_jacket_rib", [collar, band("r", _SLOT, TRACK, (0.0, 0.06)), *stripes]),
        zip_line,
    ]


def _tunic() -> list[Part]:
    rows = [(rise, turn) for rise in (0.42, 0.54, 0.66, 0.78) for turn in (0.045, 0.955)]
    cords = [
        on_bodice("c", _SLOT, TUNIC, lambda u, v, r=rise: (r + 0.012 * v, (u - 0.5) * 0.10 % 1.0),
                  (6, 1), 0.003)
        for rise in (0.414, 0.534, 0.654, 0.774)
    ]  # fmt: skip
    return [
        bodice_part("tunic", _SLOT, TUNIC),
        as_one("tunic_trim", [standing_collar("c", _SLOT), *cords,
                              band("h", _SLOT, TUNIC, (0.0, 0.035))]),
        as_one("tunic_buttons", buttons("b", _SLOT, TUNIC, rows)),
    ]  # fmt: skip


def _armour() -> list[Part]:
    ridge = on_bodice(
        "r",
        _SLOT,
        ARMOUR,
        lambda u, v: (0.05 + 0.85 * v, (u - 0.5) * 0.03 % 1.0),
        (2, 12),
        np.array([0.002, 0.012, 0.002])[None, :],
    )
    return [
        bodice_part("armour", _SLOT, ARMOUR),
        as_one("armour_trim", [ridge, band("b", _SLOT, ARMOUR, (0.0, 0.07), lift=0.006),
                               band("n", _SLOT, ARMOUR, (0.93, 1.0), lift=0.006)]),
    ]  # fmt: skip


def _corset() -> list[Part]:
    laces = [
        on_bodice("l", _SLOT, CORSET, lambda u, v, r=rise, s=slant: (
            r + 0.10 * np.where(s > 0, u, 1.0 - u) + 0.022 * v, (u - 0.5) * 0.09 % 1.0), (4, 1))
        for rise in (0.10, 0.28, 0.46, 0.64) for slant in (1, -1)
    ]  # fmt: skip
    edges = [band("e", _SLOT, CORSET, (0.93, 1.0)), band("e", _SLOT, CORSET, (0.0, 0.05))]
    return [bodice_part("corset", _SLOT, CORSET), as_one("corset_trim", [*edges, *laces])]


def _straps(name: str, shape: Bodice) -> Part:
    """Two straps from the breast round the neck."""
    ring = neck_ring(name, _SLOT, (1.226, 1.240), (0.062, 0.056), gap=0.45)
    sides = [
        on_bodice(name, _SLOT, replace(shape, neckline=CREW), lambda u, v, s=side: (
            0.66 + 0.335 * v, s * (0.105 - 0.045 * v) + (u - 0.5) * 0.022 % 1.0), (1, 7), 0.004)
        for side in (1.0, -1.0)
    ]  # fmt: skip
    return as_one(name, [ring, *sides])


def top_garments() -> list[Part]:
    """All tops and their details."""
    return [
        *_plain("tee", TEE),
        *_plain("tee_striped", TEE, texture=STRIPES),
        *_plain("tank", TANK),
        *_plain("crop", CROP),
        *_plain("blouse_dotted", BLOUSE, texture=DOTS),
        *_shirt(),
        *_sailor(),
        *_blazer(),
        *_hoodie(),
        *_sweater(),
        *_cardigan(),
        *_track_jacket(),
        *_tunic(),
        *_armour(),
        *_corset(),
        bodice_part("vest", _SLOT, VEST),
        band("vest_trim", _SLOT, VEST, (0.95, 1.0)),
        bodice_part("kimono", _SLOT, KIMONO),
        crossed_collar("kimono_collar", _SLOT, KIMONO),
        bodice_part("biker", _SLOT, BIKER),
        lapels("biker_lapels", _SLOT, BIKER, 0.30, 0.105),
        bodice_part("halter", _SLOT, HALTER),
        _straps("halter_straps", HALTER),
    ]  # fmt: skip
