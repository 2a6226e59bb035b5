"""Hats, caps, crowns and helmets: they stand off the skull, so hair of any style fits under."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.hair.hair_strands import SKULL_CENTER, on_head
from tools.avatars.builtin.shapes.curves import curve_through
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.shapes.sweeps import Mesh, joined, loft, tube
from tools.avatars.builtin.wardrobe.cloth import solid
from tools.avatars.builtin.wardrobe.trinkets import (
    HAT_LIFT,
    ball,
    dome,
    head_ring,
    head_top,
    moved,
    plate,
    rotated,
    turned,
)

_BONE = "head"
_BAND_Y = 1.495
_CENTER = np.array([0.0, 0.0, SKULL_CENTER[2]])
# A band's reach round hair of any style, along x and z.
_REACH = (0.118, 0.132)


def _hat(name: str, mesh: Mesh) -> Part:
    return solid(name, "hat", mesh, _BONE)


def _rings(rows: list[tuple[float, float, float]], sides: int = 28) -> Mesh:
    """An oval hat from rows (reach factor, height, shift back)."""
    angle = 2.0 * np.pi * np.arange(sides) / sides
    rings = []
    for reach, height, back in rows:
        rings.append(
            np.stack([_REACH[0] * reach * np.cos(angle), np.full(sides, height),
                      _REACH[1] * reach * np.sin(angle) + _CENTER[2] - back], axis=1)
        )  # fmt: skip
    return loft(np.array(rings), cap_start=True, cap_end=True)


def _tilted(mesh: Mesh, degrees: float) -> Mesh:
    return rotated(mesh, 0, -degrees, (0.0, 1.47, -0.01))


def _band(lift: float = 0.0, height: float = 0.030) -> Mesh:
    low, high = _BAND_Y + 0.004 + lift, _BAND_Y + 0.004 + lift + height
    return _rings([(1.005, low, 0), (1.045, low, 0), (1.035, high, 0), (0.99, high, 0)])


def _straw_hat() -> list[Part]:
    hat = _rings([(0.99, _BAND_Y, 0), (2.05, _BAND_Y - 0.035, 0), (2.06, _BAND_Y - 0.028, 0),
                  (1.5, _BAND_Y, 0), (1.02, _BAND_Y + 0.008, 0), (0.97, _BAND_Y + 0.06, 0),
                  (0.80, _BAND_Y + 0.098, 0), (0.40, _BAND_Y + 0.112, 0)])  # fmt: skip
    return [_hat("hat_straw", _tilted(hat, 6)), _hat("hat_straw_band", _tilted(_band(), 6))]


def _witch_hat() -> list[Part]:
    hat = _rings([(0.99, _BAND_Y, 0), (2.15, _BAND_Y - 0.012, 0), (2.16, _BAND_Y - 0.004, 0),
                  (1.02, _BAND_Y + 0.014, 0), (0.88, _BAND_Y + 0.07, 0.004),
                  (0.62, _BAND_Y + 0.15, 0.016), (0.40, _BAND_Y + 0.21, 0.040),
                  (0.22, _BAND_Y + 0.245, 0.085), (0.04, _BAND_Y + 0.255, 0.135)])  # fmt: skip
    return [
        _hat("hat_witch", _tilted(hat, 5)),
        _hat("hat_witch_band", _tilted(_band(0.006, 0.034), 5)),
    ]


def _top_hat() -> list[Part]:
    hat = _rings([(0.99, _BAND_Y, 0), (1.42, _BAND_Y, 0), (1.43, _BAND_Y + 0.010, 0),
                  (1.02, _BAND_Y + 0.010, 0), (0.94, _BAND_Y + 0.06, 0),
                  (1.02, _BAND_Y + 0.150, 0), (0.98, _BAND_Y + 0.154, 0)])  # fmt: skip
    return [_hat("hat_top", hat), _hat("hat_top_band", _band(0.006, 0.032))]


def _cap() -> list[Part]:
    crown = dome(HAT_LIFT, 0.70)
    angle = np.linspace(0.18 * np.pi, 0.82 * np.pi, 11)
    edge = on_head(90.0 - np.degrees(angle), np.full(11, 0.70), np.full(11, HAT_LIFT - 0.004))
    out = edge + np.stack([0.25 * np.cos(angle) * 0.1, -0.012 - 0.03 * np.sin(angle) ** 2,
                           0.085 * np.sin(angle) ** 1.5], axis=1)  # fmt: skip
    visor = loft(np.array([edge, out, out - [0.0, 0.006, 0.0], edge - [0.0, 0.008, 0.0]]))
    return [
        _hat("cap", crown),
        _hat("cap_visor", joined([visor, ball(head_top(HAT_LIFT), 0.010, 8, 5)])),
    ]


def _beret() -> list[Part]:
    rows = [(0.92, _BAND_Y + 0.012, 0), (1.02, _BAND_Y + 0.018, 0), (1.30, _BAND_Y + 0.046, 0.010),
            (1.32, _BAND_Y + 0.062, 0.012), (1.08, _BAND_Y + 0.092, 0.010),
            (0.55, _BAND_Y + 0.106, 0.006)]  # fmt: skip
    stalk = tube([[0.0, 1.600, -0.02], [0.0, 1.622, -0.022]], 0.005, 6)
    mesh = rotated(joined([_rings(rows), stalk]), 2, -13.0, (0.0, 1.50, 0.0))
    return [_hat("beret", mesh)]


def _beanie() -> list[Part]:
    pompom = ball(head_top(HAT_LIFT + 0.040), 0.034, 12, 8)
    fold = head_ring(HAT_LIFT, 0.80, 0.046, 0.010)
    return [
        _hat("beanie", dome(HAT_LIFT, 0.72, puff=0.012)),
        _hat("beanie_trim", joined([fold, pompom])),
    ]


def _sailor_hat() -> list[Part]:
    disc = _rings(
        [
            (0.96, _BAND_Y + 0.014, 0),
            (1.00, _BAND_Y + 0.05, 0),
            (1.28, _BAND_Y + 0.078, 0),
            (1.27, _BAND_Y + 0.094, 0),
            (0.80, _BAND_Y + 0.106, 0),
        ]
    )
    tails = [
        tube(
            curve_through(
                [[x, 1.505, -0.140], [1.4 * x, 1.44, -0.160], [1.8 * x, 1.38, -0.150]], 5
            ),
            [[0.011, 0.002]] * 5,
            6,
            (1.0, 0.0, 0.0),
        )
        for x in (-0.016, 0.016)
    ]
    return [
        _hat("hat_sailor", disc),
        _hat("hat_sailor_band", joined([_band(0.008, 0.036), *tails])),
    ]


def _chef_hat() -> list[Part]:
    puff = _rings([(0.98, _BAND_Y + 0.05, 0), (1.22, _BAND_Y + 0.09, 0), (1.32, _BAND_Y + 0.14, 0),
                   (1.18, _BAND_Y + 0.185, 0), (0.70, _BAND_Y + 0.205, 0)], 24)  # fmt: skip
    angle = np.arctan2(puff.positions[:, 2], puff.positions[:, 0])
    puff.positions[:, [0, 2]] *= (1.0 + 0.05 * np.cos(9 * angle))[:, None]
    band = _rings([(0.96, _BAND_Y, 0), (1.03, _BAND_Y, 0), (1.04, _BAND_Y + 0.065, 0)])
    return [_hat("hat_chef", joined([puff, band]))]


def _santa_hat() -> list[Part]:
    cone = _rings([(1.00, _BAND_Y + 0.01, 0), (0.98, _BAND_Y + 0.06, 0.004),
                   (0.72, _BAND_Y + 0.115, 0.020), (0.46, _BAND_Y + 0.130, 0.075),
                   (0.26, _BAND_Y + 0.105, 0.140), (0.12, _BAND_Y + 0.060, 0.180)])  # fmt: skip
    rim = _rings([(1.00, _BAND_Y - 0.01, 0), (1.14, _BAND_Y - 0.004, 0), (1.17, _BAND_Y + 0.014, 0),
                  (1.12, _BAND_Y + 0.034, 0), (0.97, _BAND_Y + 0.038, 0)])  # fmt: skip
    tip = ball((0.0, _BAND_Y + 0.045, -0.205), 0.027, 12, 8)
    return [_hat("hat_santa", cone), _hat("hat_santa_fur", joined([rim, tip]))]


def _crown() -> list[Part]:
    sides = 32
    angle = 2.0 * np.pi * np.arange(sides) / sides
    high = 0.030 + 0.026 * np.where(
        np.arange(sides) % 4 == 0, 1.0, np.where(np.arange(sides) % 2, 0.25, -0.1)
    )
    rings = []
    for factor, top in ((0.60, 0.0), (0.64, 0.0), (0.70, 1.0), (0.66, 1.0), (0.60, 0.0)):
        rings.append(
            np.stack(
                [
                    _REACH[0] * factor * np.cos(angle),
                    1.552 + top * high,
                    _REACH[1] * factor * np.sin(angle) + _CENTER[2],
                ],
                axis=1,
            )
        )
    gems = [ball((0.078 * np.cos(a), 1.570, 0.087 * np.sin(a) + _CENTER[2]), 0.008, 8, 5)
            for a in np.pi / 2 + 2.0 * np.pi * np.arange(8) / 8]  # fmt: skip
    return [_hat("crown", loft(np.array(rings))), _hat("crown_gems", joined(gems))]


# The outline of the left wing on a helmet.
_HELMET_WING = np.array(
    [(0.115, 1.505, -0.010), (0.125, 1.555, 0.020), (0.150, 1.610, -0.085),
     (0.135, 1.540, -0.080), (0.120, 1.500, -0.055)]
)  # fmt: skip


def _helmet() -> list[Part]:
    azimuth = 360.0 * np.arange(24) / 24
    low = 0.62 + 0.55 * (1.0 - np.clip(1.35 * np.cos(np.radians(azimuth)), 0.0, 1.0))
    falls = np.linspace(1.0, 0.04, 8)[:, None] * low[None, :]
    shell = loft(on_head(azimuth[None, :], falls, np.full((8, 1), HAT_LIFT)), cap_end=True)
    crest = tube(
        on_head(
            np.array([0, 0, 0, 180, 180, 180]),
            np.array([0.6, 0.3, 0.05, 0.2, 0.5, 0.9]),
            HAT_LIFT + 0.010,
        ),
        [[0.006, 0.022]] * 6,
        8,
        (1.0, 0.0, 0.0),
    )
    wings = []
    for side in (1.0, -1.0):
        wings.append(plate(_HELMET_WING * [side, 1.0, 1.0], 0.010, (1.0, 0.0, 0.0)))
    return [_hat("helmet", shell), _hat("helmet_crest", joined([crest, *wings]))]


def _mortarboard() -> list[Part]:
    corner = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)]) * 0.165
    y = 1.602
    board = loft(
        np.array([[[x, y + up, z + _CENTER[2]] for x, z in corner] for up in (0.0, 0.008)]),
        cap_start=True,
        cap_end=True,
    )
    tassel = tube([[0, y + 0.012, -0.01], [0.075, y + 0.012, 0.055], [0.082, y - 0.02, 0.062],
                   [0.082, y - 0.085, 0.062]], [0.003, 0.003, 0.005, 0.008], 6)  # fmt: skip
    return [
        _hat("mortarboard", joined([board, dome(HAT_LIFT, 0.72)])),
        _hat("mortarboard_tassel", tassel),
    ]


def _nurse_cap() -> list[Part]:
    angle = np.radians(np.linspace(35.0, 145.0, 9))
    low = np.stack(
        [0.098 * np.cos(angle), 1.545 + 0.02 * np.sin(angle), 0.085 * np.sin(angle)], axis=1
    )
    high = low * [1.08, 1.0, 1.0] + np.stack(
        [0 * angle, 0.045 + 0.016 * np.sin(angle), 0 * angle - 0.012], axis=1
    )
    back = high - [0.0, 0.004, 0.045]
    shell = loft(np.array([low, high, back, low - [0.0, -0.006, 0.05], low]))
    cross = [turned((0, 0, 0), [(0.006, -0.018), (0.006, 0.018)], 4),
             rotated(turned((0, 0, 0), [(0.006, -0.018), (0.006, 0.018)], 4), 2, 90.0)]  # fmt: skip
    mark = joined(cross)
    mark = moved(mark, (0.0, 1.596, 0.085))
    return [_hat("nurse_cap", shell), _hat("nurse_cap_mark", mark)]


def hats() -> list[Part]:
    """All hats, slot "hat"."""
    return [
        *_straw_hat(),
        *_witch_hat(),
        *_top_hat(),
        *_cap(),
        *_beret(),
        *_beanie(),
        *_sailor_hat(),
        *_chef_hat(),
        *_santa_hat(),
        *_crown(),
        *_helmet(),
        *_mortarboard(),
        *_nurse_cap(),
    ]
