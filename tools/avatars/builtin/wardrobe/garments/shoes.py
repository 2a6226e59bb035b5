"""Shoes: an upper laid round the foot, a sole under it, and shafts, straps and laces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tools.avatars.builtin.body.proportions import PROFILES
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.shapes.sweeps import Mesh, loft
from tools.avatars.builtin.wardrobe.cloth import as_one, both_sides, cloth, solid, weights_of_skin
from tools.avatars.builtin.wardrobe.fitting import foot
from tools.avatars.builtin.wardrobe.garments.socks import leg_grid, leg_ring, leg_weights

_HEEL, _TOES = -0.0445, 0.1575
_DOWN = -np.pi / 2.0


@dataclass(frozen=True)
class Shoe:
    """A low shoe.

    Attributes:
        air: metres between foot and leather.
        tongue: z where the opening for the foot ends in front.
        rim: height of the opening's edge, metres.
        toe: how much rounder the toe cap is, metres.
        sole: thickness under the toes and under the heel, metres.
    """

    air: float = 0.006
    tongue: float = 0.055
    rim: float = 0.040
    toe: float = 0.006
    sole: tuple[float, float] = (0.010, 0.018)


def _upper_grid(shoe: Shoe) -> tuple[FloatArray, FloatArray]:
    """([R, C] z, [R, C] angle): rings from heel to toes, open above before the tongue."""
    places = np.concatenate([[_HEEL], np.linspace(-0.036, 0.140, 8), [0.150, _TOES]])
    _, reaches = PROFILES["leftFoot"].section(places)
    centers, _ = PROFILES["leftFoot"].section(places)
    # How high the leather reaches on each ring, as an angle from the sole: pi closes it.
    rim = np.clip((shoe.rim - centers[:, 1]) / (reaches[:, 2] + shoe.air), -1.0, 1.0)
    open_angle = np.pi / 2.0 + np.arcsin(rim)
    closed = smooth_step(places, shoe.tongue - 0.018, shoe.tongue + 0.010)
    half = open_angle + (np.pi - open_angle) * closed
    turn = np.linspace(-1.0, 1.0, 15)
    return (
        np.broadcast_to(places[:, None], (len(places), 15)),
        _DOWN + half[:, None] * turn[None, :],
    )


def _upper(name: str, shoe: Shoe) -> Part:
    along, angles = _upper_grid(shoe)
    swell = shoe.toe * smooth_step(along, 0.09, 0.145)
    reach = foot().reach(along, angles) + shoe.air + swell
    points = foot().points(along, angles, reach)
    points[..., 1] = np.maximum(points[..., 1], -0.001)
    tip = points[-1].mean(axis=0) + np.array([0.0, 0.0, shoe.air + 0.004])
    back = points[0].mean(axis=0) + np.array([0.0, 0.0, -shoe.air])
    heel = np.broadcast_to(back, points[:1].shape)
    points = np.concatenate([heel, points, np.broadcast_to(tip, points[:1].shape)])
    return cloth(name, "shoes", points, weights_of_skin(points), closed=False, hems="")


def _outline(grow: float, count: int = 22) -> FloatArray:
    """[count, 3]: the foot's outline seen from above, at y = 0."""
    half = count // 2
    fraction = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, half))
    places = _HEEL - grow + (_TOES - _HEEL + 2.2 * grow) * fraction
    inner = np.clip(places, -0.040, 0.150)
    centers, reaches = PROFILES["leftFoot"].section(inner)
    ends = np.sqrt(np.clip(np.sin(np.pi * fraction), 0.0, 1.0)) ** 0.6
    outer_x = centers[:, 0] + (reaches[:, 0] + grow) * ends
    inner_x = centers[:, 0] - (reaches[:, 1] + grow) * ends
    x = np.concatenate([outer_x, inner_x[::-1][1:-1]])
    z = np.concatenate([places, places[::-1][1:-1]])
    return np.stack([x, np.zeros_like(x), z], axis=1)


def sole_part(
    name: str, sole: tuple[float, float], grow: float = 0.008, rise: float = 0.007
) -> Part:
    """A sole under both feet: thickness (toes, heel), `rise` metres up the upper."""
    outline = _outline(grow)
    middle = outline.mean(axis=0)
    thickness = sole[0] + (sole[1] - sole[0]) * (1.0 - smooth_step(outline[:, 2], -0.005, 0.025))
    rings = []
    for share, shrink in ((1.0, 0.94), (0.9, 1.0), (0.0, 1.0), (0.0, 0.90)):
        ring = middle + (outline - middle) * np.array([shrink, 1.0, 0.5 + 0.5 * shrink])
        ring[:, 1] = rise - share * (thickness + rise)
        rings.append(ring)
    mesh = loft(np.array(rings), cap_start=True, cap_end=True)
    flat = mesh.positions * [1.0, 0.0, 1.0] + [0.0, 0.01, 0.0]
    return both_sides(solid(name, "shoes", mesh, weights_of_skin(flat)))


def shoe_parts(name: str, shoe: Shoe) -> list[Part]:
    """Both shoes: the upper, and the sole as `<name>_sole`."""
    return [both_sides(_upper(name, shoe)), sole_part(name + "_sole", shoe.sole, shoe.air + 0.003)]


def shaft(name: str, heights: tuple[float, ...], air: tuple[float, ...], rows: int = 8) -> Part:
    """The shaft of a boot, from the ankle up."""
    rings = np.linspace(heights[0], heights[-1], rows + 1)
    points = leg_grid(rings, smooth_curve(heights, air, rings))
    return both_sides(cloth(name, "shoes", points, leg_weights(points), hems=">", thickness=0.004))


def _strap(name: str, place: float, lift: float, width: float = 0.014) -> Part:
    """A strap over the foot at z = `place`."""
    places = np.linspace(place - width / 2, place + width / 2, 2)
    along, angles = np.meshgrid(places, np.linspace(-0.25 * np.pi, 1.25 * np.pi, 11), indexing="ij")
    points = foot().points(along, angles, foot().reach(along, angles) + lift)
    return both_sides(
        cloth(name, "shoes", points, weights_of_skin(points), closed=False, thickness=0.003)
    )


def _toe_cap(name: str, shoe: Shoe, start: float) -> Part:
    along, angles = _upper_grid(shoe)
    keep = along[:, 0] >= start
    along, angles = along[keep], angles[keep]
    swell = shoe.toe * smooth_step(along, 0.09, 0.145)
    points = foot().points(along, angles, foot().reach(along, angles) + shoe.air + swell + 0.002)
    points[..., 1] = np.maximum(points[..., 1], -0.001)
    tip = points[-1].mean(axis=0) + np.array([0.0, 0.0, shoe.air + 0.007])
    points = np.concatenate([points, np.broadcast_to(tip, points[:1].shape)])
    return both_sides(cloth(name, "shoes", points, weights_of_skin(points), closed=False, hems=""))


def _block(center: tuple[float, float, float], size: tuple[float, float, float]) -> Mesh:
    """A box, for the teeth of geta."""
    corners = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    rings = [
        np.stack([center[0] + size[0] * corners[:, 0], np.full(4, center[1] + side * size[1]),
                  center[2] + size[2] * corners[:, 1]], axis=1)
        for side in (-1.0, 1.0)
    ]  # fmt: skip
    return loft(np.array(rings), cap_start=True, cap_end=True)


def _geta() -> list[Part]:
    teeth = [
        both_sides(solid("geta", "shoes", _block((0.067, -0.022, z), (0.030, 0.012, 0.010)),
                         "leftFoot"))
        for z in (0.0, 0.075)
    ]  # fmt: skip
    board = sole_part("geta", (0.012, 0.012), 0.008, 0.0)
    thongs = [_strap("geta_thong", 0.070, 0.006, 0.012), _strap("geta_thong", 0.050, 0.006, 0.012)]
    return [as_one("geta", [board, *teeth]), as_one("geta_thong", thongs)]


LOW = Shoe()
TALL_BOOT = ((0.05, 0.10, 0.20, 0.34, 0.40), (0.010, 0.012, 0.016, 0.016, 0.022))
THIGH_BOOT = ((0.05, 0.10, 0.20, 0.40, 0.60, 0.62), (0.010, 0.010, 0.010, 0.010, 0.011, 0.014))
SHORT_BOOT = ((0.05, 0.10, 0.15, 0.19), (0.011, 0.014, 0.019, 0.022))
WELLY = ((0.05, 0.10, 0.18, 0.28, 0.30), (0.014, 0.024, 0.026, 0.024, 0.030))
SNOW_BOOT = ((0.05, 0.09, 0.15, 0.22, 0.235), (0.018, 0.028, 0.030, 0.030, 0.022))


def _boot(name: str, shoe: Shoe, form: tuple, rows: int) -> list[Part]:
    upper = both_sides(_upper(name, shoe))
    return [
        as_one(name, [upper, shaft(name, *form, rows=rows)]),
        sole_part(name + "_sole", shoe.sole, shoe.air + 0.003),
    ]


def shoe_garments() -> list[Part]:
    """All shoes."""
    boot = Shoe(air=0.008, tongue=0.02, rim=0.07, toe=0.008, sole=(0.012, 0.024))
    sneaker = Shoe(air=0.009, tongue=0.035, rim=0.058, toe=0.008, sole=(0.018, 0.020))
    return [
        *shoe_parts("loafers", LOW),
        _strap("loafers_bar", 0.062, 0.009, 0.022),
        *shoe_parts("sneakers", sneaker),
        _toe_cap("sneakers_cap", sneaker, 0.105),
        as_one("sneakers_laces", [_strap("l", z, 0.0125, 0.007) for z in (0.046, 0.062, 0.078)]),
        *shoe_parts("strap_shoes", Shoe(tongue=0.085, rim=0.034, toe=0.008, sole=(0.010, 0.022))),
        _strap("strap_shoes_strap", 0.022, 0.007),
        *shoe_parts("ballet_shoes", Shoe(air=0.004, tongue=0.098, rim=0.028, sole=(0.005, 0.006))),
        leg_ring("ballet_ribbons", (0.085, 0.098), (0.004, 0.004), "shoes"),
        *_boot("boots_short", boot, SHORT_BOOT, 5),
        *_boot("boots_tall", boot, TALL_BOOT, 10),
        *_boot("boots_thigh", boot, THIGH_BOOT, 16),
        *_boot("boots_rain", Shoe(air=0.011, tongue=0.02, rim=0.07, toe=0.010), WELLY, 7),
        *_boot(
            "boots_snow", Shoe(air=0.014, tongue=0.02, rim=0.07, sole=(0.018, 0.022)), SNOW_BOOT, 6
        ),
        leg_ring("boots_tall_trim", (0.375, 0.402), (0.022, 0.026), "shoes"),
        leg_ring(
            "boots_snow_fur", (0.205, 0.22, 0.24, 0.25), (0.032, 0.042, 0.042, 0.030), "shoes"
        ),
        sole_part("sandals", (0.014, 0.018), 0.006, 0.0),
        as_one("sandals_straps", [_strap("s", z, 0.005, 0.013) for z in (0.022, 0.066, 0.096)]),
        *_geta(),
    ]
