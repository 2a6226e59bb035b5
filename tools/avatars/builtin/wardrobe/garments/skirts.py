"""Skirts: from a tutu to a gown's train, with pleats, tiers, slits and linings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part, Picture
from tools.avatars.builtin.wardrobe.cloth import (
    as_one,
    cloth,
    cloth_material,
    lining,
    skirt_weights,
)
from tools.avatars.builtin.wardrobe.fitting import folds, trunk, trunk_place
from tools.avatars.builtin.wardrobe.patterns import CHECKS, FLOWERS, STRIPES

FRONT = np.pi / 2.0
# Where the hips are widest: a skirt hangs from there.
_HIP = 0.815


@dataclass(frozen=True)
class Skirt:
    """A skirt.

    Attributes:
        waist, hem: heights of its edges, metres.
        spread: how far the hem stands out beyond the hips, metres.
        bow: how the way out is shared: below 1 it springs out at the waist (a bell), above 1 late.
        pleats, depth, sharpness: folds around the hem, as in `fitting.folds`.
        air: metres between cloth and waist.
        behind: how much lower the hem is at the back, metres.
        slit: half of an opening at the hem in radians, and the angle where it is; None for none.
        rows, columns: of the grid.
        shape: metres further out at even distances from the waist down, for bells and balloons.
        follow: how far it goes with the legs.
    """

    waist: float = 0.955
    hem: float = 0.70
    spread: float = 0.06
    bow: float = 1.0
    pleats: int = 0
    depth: float = 0.0
    sharpness: float = 0.0
    air: float = 0.008
    behind: float = 0.0
    slit: tuple[float, float] | None = None
    rows: int = 6
    columns: int = 36
    shape: tuple[float, ...] | None = None
    follow: float = 1.0

    def points(
        self, fall: FloatArray, angle: FloatArray, outside: float = 0.0, pleated: bool = True
    ) -> FloatArray:
        """[..., 3] of fractions from the waist down and angles, `outside` metres off the cloth."""
        back = smooth_step(-np.sin(angle), -0.2, 1.0)
        hem = self.hem - self.behind * back
        height = self.waist + (hem - self.waist) * fall
        level = np.maximum(height, _HIP)
        place = np.where(level < 0.85, 0.85 - 0.15 * np.arctan2(0.85 - level, 0.13), level)
        skin = trunk().reach(place, angle)
        hips = trunk().reach(trunk_place(_HIP + 0.02, 0.13), angle)
        # Below the hips only the way out goes on; the cloth falls straight otherwise.
        skin = np.where(height < _HIP + 0.02, hips, skin)
        even = 0.5 * (hips.max() + hips)
        skin = skin + (even - skin) * smooth_step(fall, 0.3, 1.0)
        reach = skin + self.air + self.spread * fall**self.bow
        if self.shape is not None:
            reach = reach + smooth_curve(np.linspace(0, 1, len(self.shape)), self.shape, fall)
        if pleated and self.pleats:
            reach = reach + folds(angle, self.pleats, self.depth, self.sharpness) * (
                0.25 + 0.75 * fall
            )
        reach = reach + outside
        return np.stack([reach * np.cos(angle), height, -0.006 + reach * np.sin(angle)], axis=-1)

    def grid(
        self,
        falls: tuple[float, float] = (0.0, 1.0),
        rows: int | None = None,
        columns: int | None = None,
        outside: float = 0.0,
        pleated: bool = True,
    ) -> FloatArray:
        """[R, C, 3], rows from the lower edge upward, of a stretch between two fractions."""
        fall = np.linspace(falls[1], falls[0], (rows or self.rows) + 1)[:, None]
        turn = np.linspace(0.0, 1.0, (columns or self.columns) + 1)[None, :]
        fall, turn = np.broadcast_arrays(fall, turn)
        if self.slit is None:
            return self.points(fall, 2.0 * np.pi * turn, outside, pleated)
        half, where = self.slit
        gap = half * np.maximum(0.02, smooth_step(fall, 0.15, 1.0))
        angle = where + gap + (2.0 * np.pi - 2.0 * gap) * turn
        return self.points(fall, angle, outside, pleated)


def skirt_parts(name: str, shape: Skirt, texture: Picture | None = None) -> list[Part]:
    """A skirt and its lining, slot "bottom"."""
    points = shape.grid()
    closed = shape.slit is None
    material = cloth_material(name, texture)
    outer = cloth(name, "bottom", points, skirt_weights(points, shape.follow), closed, "<",
                  material=material)  # fmt: skip
    plain = replace(shape, columns=24, rows=min(shape.rows, 6))
    inner = plain.grid(outside=-0.004 - shape.depth, pleated=False)
    under = cloth(name, "bottom", inner, skirt_weights(inner, shape.follow), closed, "",
                  sides=False)  # fmt: skip
    return [outer, lining(under, name + "_lining")]


def skirt_band(name: str, shape: Skirt, falls: tuple[float, float], lift: float = 0.003) -> Part:
    """A border around a skirt between two fractions from the waist down."""
    points = shape.grid(falls, rows=1, outside=lift)
    return cloth(name, "bottom", points, skirt_weights(points, shape.follow),
                 shape.slit is None, thickness=lift + 0.002)  # fmt: skip


def frill(
    name: str, shape: Skirt, fall: float, width: float, ruffles: int, depth: float = 0.012
) -> Part:
    """A ruffled strip sewn on a skirt, hanging from a fraction of the way down."""
    angle = np.linspace(0.0, 2.0 * np.pi, ruffles * 3 + 1)[None, :]
    rows = np.linspace(1.0, 0.0, 3)[:, None]
    rows, angle = np.broadcast_arrays(rows, angle)
    top = shape.points(np.full_like(rows, fall), angle, 0.003)
    wave = 0.5 + 0.5 * np.cos(angle * ruffles)
    out = (0.006 + (depth * (0.4 + 0.6 * wave)) * rows)[..., None]
    away = np.stack([np.cos(angle), 0.0 * angle, np.sin(angle)], axis=-1)
    points = top + away * out - np.array([0.0, 1.0, 0.0]) * (width * rows)[..., None]
    return cloth(name, "bottom", points, skirt_weights(points, shape.follow))


PLEATED = Skirt(hem=0.69, spread=0.075, pleats=20, depth=0.016, sharpness=0.85, columns=80, rows=4)
PLEATED_LONG = Skirt(
    hem=0.50, spread=0.085, pleats=18, depth=0.016, sharpness=0.8, columns=60, rows=5
)
FLARED = Skirt(hem=0.66, spread=0.13, pleats=11, depth=0.030, columns=55, bow=0.9)
FLARED_KNEE = Skirt(hem=0.53, spread=0.15, pleats=10, depth=0.034, columns=50, bow=0.85)
STRAIGHT = Skirt(hem=0.56, spread=0.0, columns=28, slit=(0.22, -FRONT))
LONG = Skirt(hem=0.13, spread=0.12, pleats=9, depth=0.028, columns=54, rows=8, follow=0.92)
GOWN = Skirt(hem=0.035, spread=0.30, pleats=12, depth=0.040, columns=60, rows=9, bow=0.75,
             behind=0.02, follow=0.8)  # fmt: skip
MERMAID = Skirt(hem=0.05, spread=0.0, columns=48, rows=9, pleats=8, depth=0.016, follow=0.95,
                shape=(0, .002, .002, .0, -.004, -.004, .012, .06, .13))  # fmt: skip
BELL = Skirt(hem=0.60, spread=0.19, bow=0.55, pleats=14, depth=0.018, columns=56, follow=0.8)
BALLOON = Skirt(hem=0.68, spread=0.0, pleats=13, depth=0.014, columns=52, rows=8, follow=0.9,
                shape=(0, .035, .062, .080, .088, .085, .068, .030, -.005))  # fmt: skip
TUTU = Skirt(waist=0.93, hem=0.80, spread=0.22, bow=0.8, pleats=22, depth=0.020, columns=66,
             rows=4, follow=0.35)  # fmt: skip
HAKAMA = Skirt(waist=1.01, hem=0.115, spread=0.115, pleats=10, depth=0.022, sharpness=0.9,
               columns=56, rows=8, follow=0.92)  # fmt: skip
WRAPPED = Skirt(hem=0.30, spread=0.03, columns=36, rows=8, slit=(0.50, 0.62), follow=0.95)
TRAIN = Skirt(hem=0.66, spread=0.16, pleats=12, depth=0.030, columns=60, rows=8, behind=0.50,
              bow=0.9, follow=0.75)  # fmt: skip
_TIERS = Skirt(hem=0.60, spread=0.12, columns=40, bow=0.85)


def _tiered() -> list[Part]:
    parts = skirt_parts("skirt_tiered", _TIERS)
    tiers = [
        frill(f"skirt_tiered_{number}", _TIERS, fall, 0.125, 16, 0.030)
        for number, fall in enumerate((0.12, 0.45, 0.78))
    ]
    return [*parts, as_one("skirt_tiered_frills", tiers)]


def skirt_garments() -> list[Part]:
    """All skirts."""
    parts = []
    for name, shape, texture in (
        ("skirt_pleated", PLEATED, None),
        ("skirt_checked", PLEATED, CHECKS),
        ("skirt_pleated_long", PLEATED_LONG, None),
        ("skirt_flared", FLARED, None),
        ("skirt_knee", FLARED_KNEE, None),
        ("skirt_flowered", FLARED_KNEE, FLOWERS),
        ("skirt_straight", STRAIGHT, None),
        ("skirt_long", LONG, None),
        ("skirt_striped", LONG, STRIPES),
        ("skirt_gown", GOWN, None),
        ("skirt_mermaid", MERMAID, None),
        ("skirt_bell", BELL, None),
        ("skirt_balloon", BALLOON, None),
        ("skirt_tutu", TUTU, None),
        ("skirt_hakama", HAKAMA, None),
        ("skirt_wrapped", WRAPPED, None),
        ("skirt_train", TRAIN, None),
    ):
        parts += skirt_parts(name, shape, texture)
    return [
        *parts,
        *_tiered(),
        skirt_band("skirt_pleated_trim", PLEATED, (0.86, 0.92)),
        skirt_band("skirt_pleated_long_trim", PLEATED_LONG, (0.90, 0.94)),
        skirt_band("skirt_hakama_belt", HAKAMA, (0.0, 0.055), 0.007),
        skirt_band("skirt_gown_trim", GOWN, (0.90, 0.94)),
        skirt_band("skirt_long_trim", LONG, (0.90, 0.945)),
        skirt_band("skirt_wrapped_trim", WRAPPED, (0.93, 0.98)),
        frill("skirt_bell_frill", BELL, 0.93, 0.05, 22),
        frill("skirt_flared_frill", FLARED, 0.94, 0.035, 20),
    ]
