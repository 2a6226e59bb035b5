"""Socks, stockings, leg warmers and tights: close to the skin of leg and foot."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve
from tools.avatars.builtin.shapes.part import Part, Picture
from tools.avatars.builtin.wardrobe.cloth import (
    as_one,
    both_sides,
    cloth,
    cloth_material,
    weights_of_skin,
)
from tools.avatars.builtin.wardrobe.fitting import foot, leg
from tools.avatars.builtin.wardrobe.patterns import STRIPES

_AIR = 0.0038
_ANKLE = 0.062
_SIDES = 14


def leg_grid(heights: FloatArray, air: FloatArray | float, sides: int = _SIDES) -> FloatArray:
    """[R, C, 3]: rings round the left leg at heights, so many metres off the skin at each."""
    angle = np.linspace(0.0, 2.0 * np.pi, sides + 1)
    rings, angles = np.meshgrid(heights, angle, indexing="ij")
    reach = leg().reach(rings, angles) + np.broadcast_to(air, heights.shape)[:, None]
    points = leg().points(rings, angles, reach)
    points[..., 0] = np.maximum(points[..., 0], 0.002)
    return points


def leg_weights(points: FloatArray) -> FloatArray:
    """[R, C, J]: each place of a `leg_grid` goes with the skin below it."""
    angle = np.linspace(0.0, 2.0 * np.pi, points.shape[1])
    rings = points[..., 1]
    angles = np.broadcast_to(angle, rings.shape)
    return weights_of_skin(leg().points(rings, angles, leg().reach(rings, angles)))


def foot_grid(places: FloatArray, air: float, sides: int = 10) -> FloatArray:
    """[R, C, 3]: rings round the left foot from heel to toes, closed at both ends."""
    angle = np.linspace(0.0, 2.0 * np.pi, sides + 1)
    along, angles = np.meshgrid(places, angle, indexing="ij")
    points = foot().points(along, angles, foot().reach(along, angles) + air)
    for row, beyond in ((0, -air - 0.002), (-1, air + 0.002)):
        middle = points[row].mean(axis=0) + np.array([0.0, 0.0, beyond])
        end = np.broadcast_to(middle, points[row].shape)[None]
        points = np.concatenate([end, points] if row == 0 else [points, end])
    return points


def _foot_part(name: str) -> Part:
    points = foot_grid(np.linspace(-0.0445, 0.157, 8), _AIR)
    return both_sides(cloth(name, "socks", points, weights_of_skin(points), hems=""))


def sock_part(name: str, top: float, rows: int, texture: Picture | None = None) -> Part:
    """A sock with its foot."""
    heights = np.linspace(_ANKLE, top, rows + 1)
    points = leg_grid(heights, _AIR)
    material = cloth_material(name, texture)
    shaft = cloth(name, "socks", points, leg_weights(points), hems=">", thickness=0.002,
                  material=material)  # fmt: skip
    return as_one(name, [both_sides(shaft), _foot_part(name)])


def leg_ring(
    name: str, heights: tuple[float, ...], air: tuple[float, ...], slot: str = "socks"
) -> Part:
    """A border, garter or leg warmer round both legs, `air` metres off the skin at each height."""
    rings = np.linspace(heights[0], heights[-1], max(2, len(heights)))
    points = leg_grid(rings, smooth_curve(heights, air, rings))
    return both_sides(cloth(name, slot, points, leg_weights(points), thickness=0.004))


def sock_garments() -> list[Part]:
    """All socks and their borders."""
    return [
        sock_part("socks_ankle", 0.135, 4),
        sock_part("socks_crew", 0.21, 6),
        sock_part("socks_knee", 0.395, 8),
        sock_part("socks_thigh", 0.655, 12),
        sock_part("socks_striped", 0.655, 12, STRIPES),
        sock_part("tights", 0.83, 15),
        leg_ring("socks_ankle_frill", (0.125, 0.135, 0.145), (0.003, 0.006, 0.016)),
        leg_ring("socks_knee_trim", (0.365, 0.385), (0.005, 0.005)),
        leg_ring("socks_thigh_trim", (0.625, 0.648), (0.005, 0.005)),
        leg_ring("leg_warmers", (0.10, 0.12, 0.16, 0.24, 0.32, 0.365, 0.375),
                 (0.012, 0.020, 0.018, 0.014, 0.014, 0.014, 0.006)),
        leg_ring("garter", (0.585, 0.605), (0.007, 0.007)),
    ]  # fmt: skip
