"""Accessories of hair and face: ears, bows, glasses, headphones, horns, halos."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.hair.hair_strands import on_head
from tools.avatars.builtin.shapes.curves import curve_through
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.shapes.sweeps import Mesh, joined, loft, tube
from tools.avatars.builtin.wardrobe.cloth import cloth_material, solid
from tools.avatars.builtin.wardrobe.trinkets import (
    HAT_LIFT,
    ball,
    bow,
    flipped,
    flower,
    head_ring,
    moved,
    pair,
    ribbon_strip,
    rotated,
    spike,
    star,
    turned,
)

_BONE = "head"


def _worn(name: str, mesh: Mesh, slot: str = "hair_accessory") -> Part:
    return solid(name, slot, mesh, _BONE)


def _arc(lift: float, fall: float = 0.02, reach: float = 1.0, count: int = 13, back: float = 0.0):
    """[count, 3]: over the head from ear to ear."""
    turn = np.linspace(-1.0, 1.0, count)
    points = on_head(np.where(turn > 0, 90.0, -90.0), np.abs(turn) * reach + fall, lift)
    return points - [0.0, 0.0, back]


def _ear_parts(name: str, root: tuple[float, float, float], tip: tuple[float, float, float],
               radius: float, flat: float) -> list[Part]:  # fmt: skip
    """Two pointed ears and what is inside them."""
    base, end = np.array(root), np.array(tip)
    path = base + np.linspace(0.0, 1.0, 6)[:, None] * (end - base)
    inner = (
        base + np.linspace(0.08, 0.80, 5)[:, None] * (end - base) + [0.0, 0.0, 0.50 * radius * flat]
    )
    return [
        _worn(name, pair(spike(path, radius, 12, flat))),
        _worn(name + "_inside", pair(spike(inner, 0.66 * radius, 10, flat))),
    ]


def _rabbit_ears() -> list[Part]:
    path = curve_through([[0.040, 1.555, -0.015], [0.052, 1.64, -0.018], [0.066, 1.74, -0.024],
                          [0.084, 1.80, -0.020]], 8)  # fmt: skip
    radii = np.array([0.016, 0.023, 0.028, 0.029, 0.028, 0.024, 0.016, 0.003])
    outer = tube(path, np.stack([radii, 0.45 * radii], axis=1), 10, (1.0, 0.0, 0.0))
    inner = tube(
        path[1:7] + np.array([0.0, 0.0, 0.007]),
        np.stack([0.6 * radii[1:7], 0.3 * radii[1:7]], axis=1),
        8,
        (1.0, 0.0, 0.0),
    )
    return [_worn("rabbit_ears", pair(outer)), _worn("rabbit_ears_inside", pair(inner))]


def _horns() -> Part:
    path = curve_through([[0.058, 1.535, 0.028], [0.085, 1.575, 0.040], [0.105, 1.615, 0.020],
                          [0.098, 1.655, -0.005]], 8)  # fmt: skip
    return _worn("horns", pair(spike(path, 0.017, 10)))


def _headphones() -> list[Part]:
    arc = tube(_arc(HAT_LIFT + 0.006), [[0.012, 0.006]] * 13, 8, (0.0, 0.0, 1.0))
    cup = rotated(
        turned((0, 0, 0), [(0.030, 0.0), (0.036, 0.006), (0.036, 0.022), (0.028, 0.028)], 16),
        2,
        -90.0,
    )
    cup = moved(cup, (0.104, 1.432, -0.012))
    pad = rotated(turned((0, 0, 0), [(0.033, 0.0), (0.039, 0.006), (0.034, 0.014)], 16), 2, -90.0)
    pad = moved(pad, (0.096, 1.432, -0.012))
    return [_worn("headphones", joined([arc, pair(cup)])), _worn("headphones_pads", pair(pad))]


def _glasses() -> list[Part]:
    angle = 2.0 * np.pi * np.arange(21) / 20
    # Rounded squares before the eyes, bent back towards the temples.
    x = 0.0375 + 0.0265 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.7
    y = 1.412 + 0.0215 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.7
    z = 0.0945 - 3.2 * np.maximum(x - 0.030, 0.0) ** 2
    rim = tube(np.stack([x, y, z], axis=1), 0.0022, 6)
    bridge = tube(
        [[0.011, 1.417, 0.0945], [0.0, 1.420, 0.0985], [-0.011, 1.417, 0.0945]], 0.0020, 6
    )
    temple = tube([[0.064, 1.420, 0.0905], [0.082, 1.424, 0.050], [0.088, 1.424, -0.01]], 0.0022, 6)
    return [_worn("glasses", joined([pair(joined([rim, temple])), bridge]), "face_accessory")]


def _goggles() -> list[Part]:
    lens = rotated(turned((0, 0, 0), [(0.036, 0.0), (0.038, 0.018), (0.030, 0.022)], 16), 0, 90.0)
    tilt = rotated(lens, 1, 18.0)
    at = on_head(22.0, 0.55, HAT_LIFT - 0.002)
    tilt = moved(rotated(tilt, 0, -38.0), at)
    strap = head_ring(HAT_LIFT - 0.010, 0.66, 0.024, 0.005)
    return [_worn("goggles", pair(tilt)), _worn("goggles_strap", strap)]


def _headdress() -> list[Part]:
    """A maid's frilled band over the hair."""
    base = _arc(HAT_LIFT - 0.004, reach=0.80, count=25)
    wave = 0.006 * np.cos(np.arange(25) * np.pi)[:, None]
    out = base - [0.0, 1.47, -0.01]
    out = base + out / np.linalg.norm(out, axis=1, keepdims=True) * 0.034
    ring = np.array([base + np.array([0, 0, 0.010]), out + [0, 0, 0.016] + wave * [0, 0, 1.6],
                     out + [0, 0, 0.006] + wave * [0, 0, 1.6], base])  # fmt: skip
    band = tube(base + np.array([0.0, 0.0, 0.006]), [[0.011, 0.004]] * 25, 6, (0.0, 0.0, 1.0))
    return [_worn("headdress", loft(ring)), _worn("headdress_band", band)]


def _hairband() -> Part:
    return _worn(
        "hairband", tube(_arc(HAT_LIFT - 0.003), [[0.010, 0.004]] * 13, 8, (0.0, 0.0, 1.0))
    )


def _headband() -> Part:
    """A cloth tied round the forehead, its ends behind."""
    ring = head_ring(0.016, 0.74, 0.024, 0.004)
    end = ribbon_strip(
        curve_through([[0.004, 1.472, -0.135], [0.030, 1.44, -0.165], [0.045, 1.36, -0.170]], 6),
        0.022,
        (1.0, 0.4, 0.0),
    )
    return _worn("headband", joined([ring, end, flipped(end)]))


def _halo() -> Part:
    angle = 2.0 * np.pi * np.arange(25) / 24
    ring = np.stack(
        [0.092 * np.cos(angle), np.full(25, 1.655), 0.092 * np.sin(angle) - 0.02], axis=1
    )
    return solid(
        "halo",
        "hair_accessory",
        rotated(tube(ring, 0.009, 8), 0, -10.0, (0, 1.655, 0)),
        _BONE,
        cloth_material("halo", shading_shift=0.6),
    )


def _veil() -> Part:
    """A bride's veil from the crown down the back."""
    azimuth = np.linspace(95.0, 265.0, 15)[None, :]
    fall = np.linspace(0.35, 7.2, 12)[:, None]
    azimuth, fall = np.broadcast_arrays(azimuth, fall)
    lift = 0.030 + 0.012 * np.minimum(fall, 6.0) + 0.008 * np.cos(np.radians(azimuth * 14))
    points = on_head(azimuth, fall, lift)
    points[..., 2] -= 0.010 * np.clip(fall - 1.0, 0.0, 3.0)
    outer = points.reshape(12, 15, 3)
    inner = outer + np.array([0.0, 0.0, 0.004])
    ring = np.concatenate([outer, inner[:, ::-1]], axis=1)
    return _worn("veil", loft(ring))


def _stacked_flowers() -> list[Part]:
    places = ((48.0, 0.62, 0.026, 0.034), (66.0, 0.86, 0.026, 0.026), (40.0, 0.95, 0.024, 0.020))
    petals, hearts = [], []
    for azimuth, fall, lift, radius in places:
        center = on_head(azimuth, fall, lift)
        facing = center - [0.0, 1.45, -0.02]
        petals.append(flower(center, radius, facing))
        hearts.append(ball(center + 0.08 * facing, 0.26 * radius, 8, 5))
    return [_worn("flowers", joined(petals)), _worn("flowers_hearts", joined(hearts))]


def _wreath() -> list[Part]:
    ring = head_ring(0.018, 0.56, 0.014, 0.010)
    blooms = []
    for azimuth in np.arange(0.0, 360.0, 40.0):
        center = on_head(azimuth, 0.55, 0.034)
        blooms.append(flower(center, 0.021, center - [0.0, 1.43, -0.01]))
    return [_worn("wreath", ring), _worn("wreath_flowers", joined(blooms))]


def head_accessories() -> list[Part]:
    """All that is worn in the hair and on the face."""
    big_bow = bow((0.0, 1.560, -0.105), 0.20, 0.105, 0.16, -1.0)
    side_bow = pair(bow((0.098, 1.520, -0.02), 0.085, 0.050, 0.06))
    return [
        *_ear_parts("cat_ears", (0.058, 1.535, -0.01), (0.092, 1.628, -0.005), 0.036, 0.55),
        *_ear_parts("fox_ears", (0.060, 1.530, -0.02), (0.108, 1.690, -0.012), 0.044, 0.50),
        *_rabbit_ears(),
        _horns(),
        *_headphones(),
        *_glasses(),
        *_goggles(),
        *_headdress(),
        _hairband(),
        _headband(),
        _halo(),
        _veil(),
        *_stacked_flowers(),
        *_wreath(),
        _worn("hair_bow", big_bow),
        _worn("hair_ribbons", side_bow),
        _worn("star_pin", star(on_head(38.0, 0.62, 0.030), 0.026)),
    ]
