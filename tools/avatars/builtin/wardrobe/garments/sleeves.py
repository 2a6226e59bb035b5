"""Sleeves, from none to a kimono's: worn with any top, in its colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.wardrobe.cloth import both_sides, cloth, lining, weights_of_skin
from tools.avatars.builtin.wardrobe.fitting import arm, folds

_ROOT = 0.118


@dataclass(frozen=True)
class Sleeve:
    """A tube round the arm.

    Attributes:
        places: x of its rings, from the shoulder on.
        air: metres between skin and cloth at each.
        drop: how far each ring's middle is lowered and, half of that, moved back.
        columns: of the grid.
        creases: depth of folds along the arm, metres.
        open_end: has a lining, because one can look in.
    """

    places: tuple[float, ...]
    air: tuple[float, ...]
    drop: tuple[float, ...] | None = None
    columns: int = 14
    creases: float = 0.0
    open_end: bool = False

    def points(self, outside: float = 0.0, places: FloatArray | None = None) -> FloatArray:
        """[R, C, 3] of its rings, or of rings at other places, `outside` metres off the cloth."""
        along = np.asarray(self.places if places is None else places)
        angle = np.linspace(0.0, 2.0 * np.pi, self.columns + 1)
        rings, angles = np.meshgrid(along, angle, indexing="ij")
        air = smooth_curve(self.places, self.air, rings)
        reach = arm().reach(rings, angles) + air + outside
        reach += folds(angles, 6, self.creases)
        points = arm().points(rings, angles, reach)
        if self.drop is not None:
            drop = smooth_curve(self.places, self.drop, rings)
            points = points - drop[..., None] * np.array([0.0, 0.6, 0.8])
        return points

    def weights(self, points: FloatArray) -> FloatArray:
        """[R, C, J]: each place goes with the skin below it."""
        angle = np.linspace(0.0, 2.0 * np.pi, points.shape[1])
        rings = np.broadcast_to(points[:, :1, 0], points.shape[:2])
        angles = np.broadcast_to(angle, points.shape[:2])
        return weights_of_skin(arm().points(rings, angles, arm().reach(rings, angles)))


def _rows(start: float, end: float, count: int) -> tuple[float, ...]:
    return tuple(np.linspace(start, end, count).tolist())


def _tube(start: float, end: float, count: int, *air: float) -> Sleeve:
    """A sleeve whose air is given at even distances."""
    places = _rows(start, end, count)
    spread = smooth_curve(np.linspace(0, 1, len(air)), air, np.linspace(0, 1, count))
    return Sleeve(places, tuple(spread.tolist()))


SHORT = _tube(_ROOT, 0.215, 5, 0.008, 0.013, 0.017, 0.019)
CAP = _tube(_ROOT, 0.165, 5, 0.008, 0.016, 0.026)
PUFF = Sleeve(_rows(_ROOT, 0.222, 9),
              (0.007, 0.018, 0.031, 0.038, 0.041, 0.040, 0.034, 0.020, 0.005),
              columns=16, creases=0.005)  # fmt: skip
LONG = Sleeve(_rows(_ROOT, 0.525, 15),
              (.007, .009, .010, .010, .010, .010, .010, .011, .012, .013, .015, .017, .018, .015,
               .006))  # fmt: skip
FITTED = _tube(_ROOT, 0.53, 10, 0.005, 0.005, 0.004, 0.004)
JACKET = _tube(_ROOT, 0.528, 10, 0.010, 0.017, 0.017, 0.017, 0.019, 0.020)
BULKY = Sleeve(
    _rows(_ROOT, 0.535, 14),
    (
        0.012,
        0.022,
        0.025,
        0.025,
        0.026,
        0.027,
        0.028,
        0.029,
        0.031,
        0.033,
        0.034,
        0.034,
        0.026,
        0.008,
    ),
)
ROLLED = _tube(_ROOT, 0.375, 7, 0.010, 0.016, 0.018, 0.018)
BELL = Sleeve(_rows(_ROOT, 0.53, 13),
              (.007, .009, .010, .010, .011, .013, .018, .026, .036, .047, .059, .071, .082),
              drop=(0, 0, 0, 0, 0, 0, .002, .006, .010, .014, .019, .024, .029),
              columns=16, open_end=True)  # fmt: skip
WIDE = Sleeve(_rows(_ROOT, 0.535, 11),
              (.010, .020, .030, .044, .060, .076, .090, .102, .111, .117, .120),
              drop=(0, .004, .012, .021, .031, .040, .048, .054, .058, .061, .063),
              columns=16, open_end=True)  # fmt: skip
DETACHED = Sleeve(_rows(0.225, 0.54, 9),
                  (.006, .016, .032, .050, .067, .082, .094, .103, .108),
                  drop=(0, .006, .014, .024, .034, .042, .049, .054, .057),
                  columns=16, open_end=True)  # fmt: skip


def sleeve_parts(name: str, shape: Sleeve) -> list[Part]:
    """Both sleeves, and their lining where one can look in."""
    points = shape.points()
    weights = shape.weights(points)
    part = cloth(name, "sleeves", points, weights, hems=">", thickness=0.005)
    parts = [both_sides(part)]
    if shape.open_end:
        plain = cloth(name, "sleeves", points, weights, hems="")
        parts.append(both_sides(lining(plain, name + "_lining")))
    return parts


def sleeve_band(name: str, shape: Sleeve, start: float, end: float, lift: float = 0.003) -> Part:
    """A border or cuff on both sleeves between two places on the arm."""
    places = np.linspace(start, end, 2)
    points = shape.points(lift, places)
    return both_sides(cloth(name, "sleeves", points, shape.weights(points), thickness=lift + 0.002))


def sleeve_garments() -> list[Part]:
    """All sleeves and their borders."""
    parts = []
    for name, shape in (
        ("sleeves_short", SHORT),
        ("sleeves_cap", CAP),
        ("sleeves_puff", PUFF),
        ("sleeves_long", LONG),
        ("sleeves_fitted", FITTED),
        ("sleeves_jacket", JACKET),
        ("sleeves_bulky", BULKY),
        ("sleeves_rolled", ROLLED),
        ("sleeves_bell", BELL),
        ("sleeves_wide", WIDE),
        ("sleeves_detached", DETACHED),
    ):
        parts += sleeve_parts(name, shape)
    return [
        *parts,
        sleeve_band("sleeves_short_trim", SHORT, 0.196, 0.211),
        sleeve_band("sleeves_puff_trim", PUFF, 0.213, 0.231, 0.004),
        sleeve_band("sleeves_long_trim", LONG, 0.506, 0.538, 0.005),
        sleeve_band("sleeves_jacket_trim", JACKET, 0.488, 0.500),
        sleeve_band("sleeves_bulky_trim", BULKY, 0.518, 0.545, 0.004),
        sleeve_band("sleeves_rolled_trim", ROLLED, 0.345, 0.372, 0.004),
        sleeve_band("sleeves_bell_trim", BELL, 0.508, 0.526),
        sleeve_band("sleeves_wide_trim", WIDE, 0.508, 0.531),
        sleeve_band("sleeves_detached_trim", DETACHED, 0.513, 0.536),
        sleeve_band("sleeves_detached_ribbon", DETACHED, 0.228, 0.243, 0.004),
    ]
