"""Accessories of neck and shoulders: ribbons, scarves, capes."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.shapes.curves import curve_through, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.shapes.sweeps import Mesh, joined, loft
from tools.avatars.builtin.wardrobe.bodices import FRONT, Bodice, neck_ring
from tools.avatars.builtin.wardrobe.cloth import (
    as_one,
    cloth,
    lining,
    on_bones,
    solid,
    weights_of_skin,
)
from tools.avatars.builtin.wardrobe.trinkets import ball, bow, plate, ribbon_strip

_SLOT = "neck"
# Things before the breast lie on the thickest top.
_BREAST = Bodice(low=0.93, air=0.022, drape=0.7)


def _soft(name: str, mesh: Mesh) -> Part:
    """A thing that goes with the cloth below it."""
    inside = mesh.positions * [1.0, 1.0, 0.8]
    return solid(name, _SLOT, mesh, weights_of_skin(inside))


def _on_breast(height: float, lift: float = 0.004, x: float = 0.0) -> np.ndarray:
    """[3]: the place in front at a height, on top of a blouse, `x` beside the middle."""
    heights = _BREAST.points(np.linspace(0, 1, 40), np.zeros(40), lift)
    row = int(np.argmin(np.abs(heights[:, 1] - height)))
    return np.array([x, height, heights[row, 2]])


def _necktie() -> Part:
    path = np.array([_on_breast(y, 0.002) for y in (1.222, 1.19, 1.14, 1.08, 1.02, 0.985)])
    widths = np.array([0.018, 0.026, 0.036, 0.046, 0.056, 0.004])
    rings = []
    for across, out in ((-1.0, 0.0), (-0.4, 0.004), (0.4, 0.004), (1.0, 0.0), (0.0, -0.002)):
        rings.append(path + np.stack([across * widths / 2, 0 * widths, 0 * widths + out], axis=1))
    knot = ball(_on_breast(1.226, 0.006), (0.014, 0.016, 0.010), 8, 5)
    return _soft("necktie", joined([loft(np.stack(rings, axis=1)), knot]))


def _neckerchief() -> Part:
    """A sailor's scarf, knotted in the V."""
    tails = [
        ribbon_strip(curve_through([_on_breast(1.150, 0.008), _on_breast(1.10, 0.012, x),
                                    _on_breast(1.035, 0.010, 1.7 * x)], 6), 0.034, (1, 0.2, 0))
        for x in (0.022, -0.022)
    ]  # fmt: skip
    return _soft("neckerchief", joined([bow(_on_breast(1.158, 0.012), 0.10, 0.045), *tails]))


def _scarf() -> Part:
    ring = neck_ring(
        "scarf",
        _SLOT,
        (1.222, 1.214, 1.232, 1.262, 1.288, 1.282, 1.262),
        (0.062, 0.090, 0.104, 0.102, 0.082, 0.060, 0.052),
    )
    path = curve_through([[0.045, 1.235, 0.070], [0.056, 1.18, 0.112], [0.062, 1.08, 0.128],
                          [0.064, 0.96, 0.118]], 9)  # fmt: skip
    end = _soft("scarf", ribbon_strip(path, 0.072, (1.0, 0.0, -0.3), 0.016))
    return as_one("scarf", [ring, end])


def _fan(
    name: str, slot: str, top: tuple[float, float], hem: float, spread: float, gap: float,
    bow_power: float, pleats: int, rows: int = 8, columns: int = 40, arms: float = 0.6,
) -> list[Part]:  # fmt: skip
    """A cape: from a ring (height, radius) round the neck over the shoulders down to the hem."""
    turn = np.linspace(0.0, 1.0, columns + 1)[None, :]
    fall = np.linspace(1.0, 0.0, rows + 1)[:, None]
    fall, turn = np.broadcast_arrays(fall, turn)
    opening = gap * (0.5 + 0.5 * smooth_step(fall, 0.0, 0.7))
    angle = FRONT + opening + (2.0 * np.pi - 2.0 * opening) * turn
    wide = smooth_curve(
        [0.0, 0.10, 0.30, 1.0], [0.0, 0.085, 0.125, 0.125 + spread], fall**bow_power
    )
    flat = 1.0 - 0.18 * np.abs(np.sin(angle))
    wave = 0.5 - 0.5 * np.cos(pleats * angle)
    reach = (top[1] + wide - 0.020 * wave * fall) * flat
    reach = reach + 0.028 * smooth_step(fall, 0.05, 0.3) * np.maximum(np.sin(angle), 0.0)
    level = smooth_curve([0.0, 0.10, 0.30, 1.0], [top[0], top[0] - 0.008, 1.195, hem], fall)
    level = level + 0.016 * (1.0 - np.sin(angle)) / 2.0 * (1.0 - fall)
    points = np.stack([reach * np.cos(angle), level, -0.022 + reach * np.sin(angle)], axis=-1)
    side = smooth_step(np.abs(points[..., 0]), 0.09, 0.22) * arms * smooth_step(fall, 0.05, 0.25)
    low = smooth_step(fall, 0.25, 0.9) * (1.0 if hem < 1.0 else 0.4)
    weights = on_bones(points.shape[:2], {
        "upperChest": (1.0 - side) * (1.0 - low),
        "chest": (1.0 - side) * low * 0.6,
        "hips": (1.0 - side) * low * 0.4 + 1e-6,
        "leftUpperArm": np.where(points[..., 0] > 0, side, 0.0),
        "rightUpperArm": np.where(points[..., 0] < 0, side, 0.0),
    })  # fmt: skip
    outer = cloth(name, slot, points, weights, closed=False, hems="<")
    inner = cloth(name, slot, points, weights, closed=False, hems="", sides=False)
    return [outer, lining(inner, name + "_lining")]


def neck_accessories() -> list[Part]:
    """All that is worn round the neck and on the shoulders."""
    locket = plate([[0.011 * np.cos(a), 1.165 + 0.014 * np.sin(a), 0.118]
                    for a in 2.0 * np.pi * np.arange(10) / 10], 0.006)  # fmt: skip
    chain = neck_ring("pendant", _SLOT, (1.228, 1.232), (0.063, 0.060), columns=16)
    brooch = ball((0.0, 1.226, 0.072), (0.015, 0.015, 0.008), 10, 5)
    return [
        _soft("ribbon", bow(_on_breast(1.205, 0.012), 0.115, 0.058, 0.085)),
        _soft("big_bow", bow(_on_breast(1.180, 0.016), 0.20, 0.095, 0.12)),
        _soft("bow_tie", bow(_on_breast(1.230, 0.008), 0.085, 0.040)),
        _necktie(),
        _neckerchief(),
        _scarf(),
        neck_ring("choker", _SLOT, (1.272, 1.290), (0.043, 0.042)),
        as_one("pendant", [chain, _soft("pendant", locket)]),
        *_fan("capelet", "cape", (1.248, 0.052), 1.06, 0.07, 0.10, 0.9, 8, 6, arms=0.2),
        solid("capelet_clasp", "cape", brooch, "upperChest"),
        *_fan("cloak", "cape", (1.252, 0.050), 0.22, 0.20, 1.05, 1.0, 11, 9, 40, 0.15),
    ]
