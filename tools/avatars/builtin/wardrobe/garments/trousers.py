"""Trousers, shorts and what is worn under skirts: a seat round the hips and two legs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.wardrobe.cloth import as_one, both_sides, cloth, weights_of_skin
from tools.avatars.builtin.wardrobe.fitting import folds, leg, rounded, trunk, trunk_place

# Where a leg begins inside the seat, and the least distance from the middle between the legs.
_ROOT, _MIDDLE = 0.835, 0.003


@dataclass(frozen=True)
class Trousers:
    """Trousers.

    Attributes:
        waist: height of the upper edge.
        heights: of the legs' rings, from above.
        air: metres between skin and cloth at each.
        seat_air: the same around the hips.
        rows, columns: of a leg's grid.
        creases: depth of folds along the leg.
    """

    heights: tuple[float, ...]
    air: tuple[float, ...]
    waist: float = 0.965
    seat_air: float = 0.008
    rows: int = 10
    columns: int = 14
    creases: float = 0.0

    def leg_points(self, heights: FloatArray, outside: float = 0.0) -> FloatArray:
        """[R, C, 3] of the left leg's rings at heights, `outside` metres off the cloth."""
        angle = np.linspace(0.0, 2.0 * np.pi, self.columns + 1)
        rings, angles = np.meshgrid(heights, angle, indexing="ij")
        order = np.argsort(self.heights)
        knots, values = np.asarray(self.heights)[order], np.asarray(self.air)[order]
        reach = leg().reach(rings, angles) + smooth_curve(knots, values, rings) + outside
        reach = reach + folds(angles, 5, self.creases)
        points = leg().points(rings, angles, reach)
        points[..., 0] = np.maximum(points[..., 0], _MIDDLE)
        return points

    def leg_weights(self, points: FloatArray) -> FloatArray:
        """[R, C, J]: each place goes with the skin below it."""
        angle = np.linspace(0.0, 2.0 * np.pi, points.shape[1])
        rings = points[..., 1]
        angles = np.broadcast_to(angle, rings.shape)
        return weights_of_skin(leg().points(rings, angles, leg().reach(rings, angles)))

    def seat_points(self) -> FloatArray:
        """[R, C, 3] of the shell round the hips, closed below but for a small hole."""
        places = np.linspace(0.645, trunk_place(self.waist, 0.1), 9)
        angle = np.linspace(0.0, 2.0 * np.pi, 25)
        along, angles = np.meshgrid(places, angle, indexing="ij")
        reach = rounded(trunk().reach(along, angles), 1) + self.seat_air
        return trunk().points(along, angles, reach)


def trouser_part(name: str, shape: Trousers, slot: str = "bottom") -> Part:
    """Trousers as one part."""
    seat_points = shape.seat_points()
    seat = cloth(name, slot, seat_points, weights_of_skin(seat_points), hems=">")
    rings = np.linspace(shape.heights[-1], _ROOT, shape.rows + 1)
    points = shape.leg_points(rings)
    part = cloth(name, slot, points, shape.leg_weights(points), hems="<", thickness=0.005)
    return as_one(name, [seat, both_sides(part)])


def leg_band(name: str, shape: Trousers, low: float, high: float, lift: float = 0.003) -> Part:
    """A border or cuff round both legs."""
    points = shape.leg_points(np.linspace(low, high, 3), lift)
    weights = shape.leg_weights(points)
    return both_sides(cloth(name, "bottom", points, weights, thickness=lift + 0.002))


def side_stripe(name: str, shape: Trousers, low: float, high: float) -> Part:
    """A stripe down the outer side of both legs."""
    heights = np.linspace(low, high, 9)
    full = shape.leg_points(heights, 0.003)
    weights = shape.leg_weights(full)
    # The outer side is where the grid begins and ends.
    points = np.stack([full[:, -2], full[:, 0], full[:, 1]], axis=1)
    shared = np.stack([weights[:, -2], weights[:, 0], weights[:, 1]], axis=1)
    return both_sides(cloth(name, "bottom", points, shared, closed=False))


SLIM = Trousers((0.835, 0.70, 0.45, 0.10), (0.008, 0.008, 0.008, 0.010))
STRAIGHT = Trousers((0.835, 0.70, 0.45, 0.07), (0.008, 0.012, 0.022, 0.032), creases=0.003)
WIDE = Trousers((0.835, 0.70, 0.45, 0.05), (0.010, 0.026, 0.055, 0.088), columns=18, creases=0.008)
BELL_BOTTOMS = Trousers((0.835, 0.60, 0.45, 0.30, 0.04), (0.008, 0.007, 0.008, 0.022, 0.062))
JOGGERS = Trousers(
    (0.835, 0.70, 0.45, 0.20, 0.115, 0.09),
    (0.014, 0.022, 0.030, 0.036, 0.030, 0.006),
    seat_air=0.014,
    rows=11,
    creases=0.004,
)
SHORTS = Trousers((0.835, 0.76, 0.69), (0.010, 0.018, 0.026), rows=5)
BERMUDAS = Trousers((0.835, 0.70, 0.49), (0.010, 0.022, 0.032), rows=8, seat_air=0.010)
BREECHES = Trousers(
    (0.835, 0.74, 0.62, 0.52, 0.44, 0.40),
    (0.012, 0.045, 0.055, 0.040, 0.010, 0.006),
    seat_air=0.012,
)
BLOOMERS = Trousers((0.835, 0.77, 0.71, 0.66, 0.645), (0.014, 0.040, 0.050, 0.028, 0.004),
                    seat_air=0.022, rows=9, creases=0.006)  # fmt: skip
HAREM = Trousers((0.835, 0.60, 0.35, 0.18, 0.10, 0.085), (0.012, 0.060, 0.085, 0.070, 0.018, 0.005),
                 rows=11, columns=18, creases=0.010)  # fmt: skip
UNDER = Trousers((0.835, 0.74, 0.67), (0.003, 0.003, 0.003), waist=0.90, seat_air=0.004, rows=6)


def trouser_garments() -> list[Part]:
    """All trousers, with their borders, and the shorts worn under skirts."""
    return [
        trouser_part("trousers_slim", SLIM),
        trouser_part("trousers_straight", STRAIGHT),
        trouser_part("trousers_wide", WIDE),
        trouser_part("trousers_bell", BELL_BOTTOMS),
        trouser_part("trousers_joggers", JOGGERS),
        trouser_part("trousers_harem", HAREM),
        trouser_part("shorts", SHORTS),
        trouser_part("shorts_long", BERMUDAS),
        trouser_part("breeches", BREECHES),
        trouser_part("bloomers", BLOOMERS),
        trouser_part("under_shorts", UNDER, "under"),
        side_stripe("trousers_joggers_stripe", JOGGERS, 0.13, 0.80),
        side_stripe("trousers_straight_stripe", STRAIGHT, 0.08, 0.80),
        leg_band("shorts_cuffs", SHORTS, 0.69, 0.712, 0.004),
        leg_band("shorts_long_cuffs", BERMUDAS, 0.49, 0.52, 0.004),
        leg_band("trousers_straight_cuffs", STRAIGHT, 0.07, 0.115, 0.005),
        leg_band("bloomers_cuffs", BLOOMERS, 0.640, 0.662, 0.006),
    ]
