"""Dresses, coats and robes: a bodice and a skirt in one piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tools.avatars.builtin.shapes.part import Part, Picture
from tools.avatars.builtin.wardrobe.bodices import (
    CREW,
    DEEP_V,
    FRONT,
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
    standing_collar,
    turned_collar,
)
from tools.avatars.builtin.wardrobe.garments.skirts import Skirt, frill, skirt_band, skirt_parts
from tools.avatars.builtin.wardrobe.patterns import CHECKS, DOTS, FLOWERS

_SLOT = "dress"
_WAIST = Bodice(low=0.945, air=0.009, drape=0.3)
_KNEE = Skirt(waist=0.965, hem=0.545, spread=0.15, pleats=12, depth=0.030, columns=48, bow=0.85)
_FULL = Skirt(waist=0.965, hem=0.035, spread=0.27, pleats=12, depth=0.034, columns=48, rows=8,
              bow=0.75, follow=0.8)  # fmt: skip
_TENT = Skirt(waist=1.04, hem=0.60, spread=0.075, air=0.032, pleats=8, depth=0.016, columns=44)
_SLEEK = Skirt(waist=0.965, hem=0.16, spread=0.012, columns=36, rows=8, slit=(0.34, 0.25))
_COAT = Skirt(waist=0.965, hem=0.46, spread=0.085, air=0.026, columns=44, rows=7,
              slit=(0.16, FRONT), pleats=6, depth=0.012)  # fmt: skip


def _dress(
    name: str,
    top: Bodice,
    skirt: Skirt,
    texture: Picture | None = None,
    details: Sequence[Part] = (),
) -> list[Part]:
    """A bodice and a skirt as one part, the skirt's lining, and the details."""
    outer, under = skirt_parts(name, skirt, texture)
    shell = as_one(name, [outer, bodice_part(name, _SLOT, top)])
    shell = replace(shell, slot=_SLOT, material=cloth_material(name, texture))
    return [shell, replace(under, slot=_SLOT), *(replace(part, slot=_SLOT) for part in details)]


def _white_collar(name: str, top: Bodice) -> Part:
    return turned_collar(name, _SLOT, top, 0.19)


def _school() -> list[Part]:
    top = replace(_WAIST, air=0.012)
    skirt = replace(_KNEE, hem=0.58, spread=0.09, pleats=16, sharpness=0.8, depth=0.015, columns=64)
    row = [(rise, turn) for rise in (0.30, 0.55, 0.80) for turn in (0.035, 0.965)]
    return _dress("dress_school", top, skirt, details=[
        _white_collar("dress_school_collar", top),
        as_one("dress_school_trim", [skirt_band("t", skirt, (0.0, 0.06), 0.006),
                                     *buttons("b", _SLOT, top, row)]),
    ])  # fmt: skip


def _maid() -> list[Part]:
    top = replace(_WAIST, neckline=CREW)
    skirt = replace(_KNEE, hem=0.50, spread=0.17)
    return _dress("dress_maid", top, skirt, details=[
        as_one("dress_maid_frill", [frill("f", skirt, 0.93, 0.055, 22, 0.016)]),
        _white_collar("dress_maid_collar", top),
    ])  # fmt: skip


def _ruffled() -> list[Part]:
    bell = Skirt(waist=0.965, hem=0.575, spread=0.20, bow=0.55, pleats=14, depth=0.018,
                 columns=46, follow=0.8)  # fmt: skip
    chest = on_bodice(
        "c",
        _SLOT,
        _WAIST,
        lambda u, v: (0.10 + 0.85 * v, (u - 0.5) * (0.08 + 0.05 * v) % 1.0),
        (4, 10),
        0.003,
    )
    frills = [frill("f", bell, fall, 0.045, 20, 0.016) for fall in (0.72, 0.94)]
    return _dress("dress_ruffled", _WAIST, bell, details=[
        as_one("dress_ruffled_frill", [*frills, chest]),
        standing_collar("dress_ruffled_collar", _SLOT, 0.002),
    ])  # fmt: skip


def _gown() -> list[Part]:
    top = replace(_WAIST, neckline=STRAPLESS, drape=0.2, creases=0.0)
    return _dress("dress_gown", top, _FULL, details=[
        as_one("dress_gown_trim", [band("e", _SLOT, top, (0.90, 1.0)),
                                   frill("f", _FULL, 0.55, 0.10, 20, 0.022),
                                   frill("f", _FULL, 0.80, 0.10, 24, 0.022)]),
    ])  # fmt: skip


def _princess() -> list[Part]:
    top = replace(_WAIST, neckline=replace(SCOOP, radius=0.085), drape=0.2, creases=0.0)
    skirt = replace(_FULL, spread=0.30, bow=0.6, depth=0.026, pleats=9)
    panel = [skirt_band("p", skirt, (0.90, 0.95)), band("e", _SLOT, top, (0.93, 1.0))]
    return _dress("dress_princess", top, skirt, details=[as_one("dress_princess_trim", panel)])


def _qipao() -> list[Part]:
    top = replace(_WAIST, neckline=HIGH, air=0.007, drape=0.15, creases=0.0)
    edge = on_bodice(
        "e",
        _SLOT,
        top,
        lambda u, v: (0.93 - 0.34 * v**1.5 + 0.03 * u, 0.0 + 0.17 * v),
        (2, 12),
        0.004,
    )
    return _dress("dress_qipao", top, _SLEEK, FLOWERS, [
        as_one("dress_qipao_trim", [standing_collar("c", _SLOT, 0.002), edge,
                                    skirt_band("h", _SLEEK, (0.95, 1.0))]),
    ])  # fmt: skip


def _yukata() -> list[Part]:
    top = Bodice(low=0.945, neckline=DEEP_V, air=0.014, drape=0.8)
    skirt = Skirt(waist=0.965, hem=0.09, spread=0.006, air=0.014, columns=36, rows=8,
                  slit=(0.10, 1.25), follow=0.95)  # fmt: skip
    return _dress("yukata", top, skirt, FLOWERS, [crossed_collar("yukata_collar", _SLOT, top)])


def _coat(name: str, top: Bodice, skirt: Skirt, details: Sequence[Part]) -> list[Part]:
    return _dress(name, top, skirt, details=details)


def _winter_coat() -> list[Part]:
    top = Bodice(low=0.945, neckline=CREW, air=0.026, drape=0.6)
    row = [(rise, turn) for rise in (0.12, 0.34, 0.56) for turn in (0.05, 0.95)]
    fur = neck_ring(
        "f",
        _SLOT,
        (1.236, 1.228, 1.240, 1.270, 1.284, 1.274),
        (0.066, 0.090, 0.104, 0.100, 0.080, 0.062),
    )
    return _coat("coat_winter", top, _COAT, [
        as_one("coat_winter_fur", [fur, skirt_band("h", _COAT, (0.93, 1.0), 0.012)]),
        as_one("coat_winter_buttons", buttons("b", _SLOT, top, row, 0.011)),
    ])  # fmt: skip


def _trench_coat() -> list[Part]:
    top = Bodice(low=0.945, neckline=V_NECK, air=0.024, drape=0.5)
    row = [(rise, turn) for rise in (0.15, 0.42) for turn in (0.045, 0.955)]
    skirt = replace(_COAT, hem=0.37, spread=0.06)
    return _coat("coat_trench", top, skirt, [
        lapels("coat_trench_lapels", _SLOT, top, 0.58, 0.11),
        as_one("coat_trench_belt", [skirt_band("b", skirt, (0.0, 0.07), 0.006),
                                    *buttons("b", _SLOT, top, row)]),
    ])  # fmt: skip


def _tailcoat() -> list[Part]:
    top = Bodice(low=0.935, air=0.020, drape=0.4, gap=(0.10, 0.05, 0.22, 0.62))
    skirt = Skirt(waist=0.96, hem=0.42, spread=0.05, air=0.018, columns=32, rows=7,
                  slit=(1.35, FRONT), follow=0.8)  # fmt: skip
    return _coat("coat_tails", top, skirt, [lapels("coat_tails_lapels", _SLOT, top, 0.34, 0.09)])


def _lab_coat() -> list[Part]:
    top = Bodice(low=0.94, air=0.022, drape=0.9, gap=(0.34, 0.30, 0.34, 0.60))
    skirt = Skirt(waist=0.975, hem=0.47, spread=0.03, air=0.034, columns=36, slit=(0.40, FRONT))
    return _coat("coat_lab", top, replace(skirt, slit=(0.42, FRONT)),
                 [lapels("coat_lab_lapels", _SLOT, top, 0.45, 0.07)])  # fmt: skip


def _raincoat() -> list[Part]:
    top = Bodice(low=0.96, neckline=HIGH, air=0.028, drape=0.95)
    skirt = Skirt(waist=1.02, hem=0.52, spread=0.11, air=0.042, columns=40, pleats=7, depth=0.012)
    row = [(rise, 0.0) for rise in (0.10, 0.35, 0.60, 0.85)]
    return _dress("raincoat", top, skirt, details=[
        hood_down("raincoat_hood", _SLOT),
        as_one("raincoat_buttons", buttons("b", _SLOT, top, row, 0.010)),
    ])  # fmt: skip


def _robe() -> list[Part]:
    top = Bodice(low=0.96, neckline=V_NECK, air=0.022, drape=0.95)
    skirt = Skirt(waist=1.02, hem=0.06, spread=0.14, air=0.034, columns=40, rows=8, pleats=9,
                  depth=0.024, follow=0.9)  # fmt: skip
    front = on_bodice("f", _SLOT, top, lambda u, v: (v, (u - 0.5) * 0.05 % 1.0), (2, 10), 0.004)
    return _dress("robe", top, skirt, details=[
        as_one("robe_trim", [band("e", _SLOT, top, (0.93, 1.0)), front,
                             skirt_band("h", skirt, (0.92, 0.97))]),
    ])  # fmt: skip


def _tent(name: str, texture: Picture | None, hem: float, top: Bodice, spread: float) -> list[Part]:
    skirt = replace(_TENT, hem=hem, spread=spread)
    shell = replace(top, low=0.99, drape=1.0, air=0.014)
    details = [
        as_one(name + "_trim", [band("e", _SLOT, shell, (0.94, 1.0)),
                                skirt_band("h", skirt, (0.92, 0.98))])
    ]  # fmt: skip
    return _dress(name, shell, skirt, texture, details)


def dress_garments() -> list[Part]:
    """All dresses, coats and robes."""
    sun = replace(_WAIST, neckline=replace(SCOOP, radius=0.075), drape=0.3)
    party = replace(_WAIST, neckline=replace(V_NECK, radius=0.075), drape=0.3)
    pinafore = replace(_WAIST, neckline=replace(SCOOP, front=1.15), air=0.018)
    wide, short = (
        replace(_KNEE, hem=0.49, spread=0.18),
        replace(_KNEE, hem=0.60, spread=0.22, bow=0.7),
    )
    return [
        *_dress("dress_sun", sun, wide, details=[
            skirt_band("dress_sun_trim", wide, (0.90, 0.95))]),
        *_dress("dress_dotted", sun, replace(_KNEE, hem=0.57), DOTS),
        *_dress("dress_party", party, short, details=[
            frill("dress_party_frill", short, 0.90, 0.06, 22)]),
        *_dress("pinafore", pinafore, replace(_KNEE, hem=0.60, spread=0.07, air=0.016), CHECKS),
        *_school(),
        *_maid(),
        *_ruffled(),
        *_gown(),
        *_princess(),
        *_qipao(),
        *_yukata(),
        *_winter_coat(),
        *_trench_coat(),
        *_tailcoat(),
        *_lab_coat(),
        *_raincoat(),
        *_robe(),
        *_tent("dress_tent", None, 0.56, Bodice(neckline=CREW), 0.10),
        *_tent("nightgown", DOTS, 0.30, Bodice(neckline=SCOOP), 0.13),
    ]  # fmt: skip
