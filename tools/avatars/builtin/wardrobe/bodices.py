"""Bodices, shared by tops and dresses: a shell round the trunk, bands and collars on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.wardrobe.cloth import cloth, weights_of_skin
from tools.avatars.builtin.wardrobe.fitting import fade, folds, hanging, rounded, trunk, trunk_place

FRONT = np.pi / 2.0
# A place within the trunk that all of its cloth faces away from.
_INSIDE = (0.0, 1.06, -0.006)
# The bust: cloth hangs from here down.
_BUST = 1.125


@dataclass(frozen=True)
class Neckline:
    """Where a garment ends at the top.

    Attributes:
        back, front, side: heights of the edge, metres.
        radius: how far the edge is from the trunk's middle, about.
        depth: how much deeper a V in front goes, metres.
        width: of that V at the top, radians.
    """

    back: float = 1.264
    front: float = 1.236
    side: float = 1.262
    radius: float = 0.052
    depth: float = 0.0
    width: float = 0.85

    def place(self, angle: FloatArray) -> FloatArray:
        """The trunk's chart coordinate of the edge at angles of any shape."""
        back, front, side = (
            trunk_place(height, self.radius) for height in (self.back, self.front, self.side)
        )
        sine = np.sin(angle)
        end = np.where(sine >= 0, front, back)
        place = side + (end - side) * np.abs(sine) ** 1.5
        away = np.abs((angle - FRONT + np.pi) % (2.0 * np.pi) - np.pi)
        return np.asarray(place - self.depth * np.clip(1.0 - away / self.width, 0.0, 1.0))


CREW = Neckline()
V_NECK = Neckline(depth=0.075)
DEEP_V = Neckline(depth=0.135, width=0.75)
SCOOP = Neckline(front=1.19, back=1.235, side=1.255, radius=0.065)
BOAT = Neckline(front=1.222, back=1.24, side=1.252, radius=0.085)
STRAPLESS = Neckline(front=1.145, back=1.125, side=1.135, radius=0.11)
HIGH = Neckline(back=1.285, front=1.272, side=1.28, radius=0.045)


@dataclass(frozen=True)
class Bodice:
    """A shell round the trunk.

    Attributes:
        low: height of its lower edge.
        neckline: its upper edge.
        air: metres between skin and cloth.
        drape: 0 follows the waist, 1 hangs straight from the bust.
        flare: how much farther out the lower edge stands, metres.
        gap: half of the opening in front at (bottom, waist, bust, top), radians; None is closed.
        creases: depth of folds, metres.
        rows, columns: of the grid.
    """

    low: float = 0.90
    neckline: Neckline = CREW
    air: float = 0.008
    drape: float = 0.5
    flare: float = 0.0
    gap: tuple[float, float, float, float] | None = None
    creases: float = 0.003
    rows: int = 12
    columns: int = 26

    def grid(self, rise: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Chart coordinates (along, angle) of fractions [...] from below up and around."""
        gap = np.zeros_like(rise)
        if self.gap is not None:
            gap = smooth_curve([0.0, 0.3, 0.55, 1.0], self.gap, rise)
        angle = FRONT + gap + (2.0 * np.pi - 2.0 * gap) * turn
        high = self.neckline.place(angle)
        low = trunk_place(self.low, 0.12)
        return low + (high - low) * rise, angle

    def reach(self, along: FloatArray, angle: FloatArray) -> FloatArray:
        """[R, C] metres from the trunk's middle line, rows from below upward."""
        skin = trunk().reach(along, angle)
        skin = rounded(skin, 2)
        below = int(np.searchsorted(along.mean(axis=1), _BUST))
        if below:
            skin = hanging(skin, self.drape, slice(0, below + 1))
        skirts = self.flare * fade(along, self.low, 0.97)
        wrinkles = folds(angle, 7, self.creases) + folds(angle + 0.4, 11, 0.6 * self.creases)
        wrinkles = wrinkles * (fade(along, 0.98, 1.14) * 0.8 + 0.2)
        return skin + self.air + skirts + wrinkles

    def points(self, rise: FloatArray, turn: FloatArray, outside: ArrayLike = 0.0) -> FloatArray:
        """[..., 3] of fractions from below up and around, `outside` metres off the cloth."""
        rows = np.linspace(0.0, 1.0, self.rows)
        columns = np.linspace(0.0, 1.0, self.columns + 1)
        grid = np.meshgrid(rows, columns, indexing="ij")
        reaches = self.reach(*self.grid(*grid))
        reach = _bilinear(reaches, rise * (self.rows - 1), turn * self.columns)
        along, angle = self.grid(rise, turn)
        return trunk().points(along, angle, reach + outside)


def _bilinear(values: FloatArray, row: FloatArray, column: FloatArray) -> FloatArray:
    top = np.clip(row.astype(int), 0, values.shape[0] - 2)
    left = np.clip(column.astype(int), 0, values.shape[1] - 2)
    down, right = row - top, column - left
    upper = values[top, left] * (1 - right) + values[top, left + 1] * right
    lower = values[top + 1, left] * (1 - right) + values[top + 1, left + 1] * right
    return np.asarray(upper * (1 - down) + lower * down)


def bodice_part(name: str, slot: str, shape: Bodice, hems: str = "<>") -> Part:
    """A bodice's shell as a part."""
    rise, turn = np.meshgrid(
        np.linspace(0.0, 1.0, shape.rows), np.linspace(0.0, 1.0, shape.columns + 1), indexing="ij"
    )
    points = shape.points(rise, turn)
    return cloth(name, slot, points, weights_of_skin(points), shape.gap is None, hems)


def band(
    name: str,
    slot: str,
    shape: Bodice,
    rise: tuple[float, float],
    turn: tuple[float, float] = (0.0, 1.0),
    lift: float = 0.0025,
    rows: int = 1,
    columns: int | None = None,
) -> Part:
    """A strip lying on a bodice: a hem's border, a stripe, a placket.

    Args:
        name: of the part.
        slot: of the part.
        shape: what it lies on.
        rise, turn: the part of the bodice that it covers, as fractions from below up and around
            (0 and 1 are in the middle of the front).
        lift: metres above the cloth.
        rows, columns: cells of the grid.
    """
    count = columns or max(2, round(shape.columns * (turn[1] - turn[0])))
    grid = np.meshgrid(np.linspace(*rise, rows + 1), np.linspace(*turn, count + 1), indexing="ij")
    points = shape.points(*grid, outside=lift)
    whole = turn == (0.0, 1.0) and shape.gap is None
    return cloth(name, slot, points, weights_of_skin(points), whole, thickness=lift + 0.001)


def on_bodice(
    name: str,
    slot: str,
    shape: Bodice,
    outline: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    cells: tuple[int, int],
    lift: ArrayLike = 0.003,
) -> Part:
    """A patch of any form on a bodice: collars, lapels, pockets.

    Args:
        name: of the part.
        slot: of the part.
        shape: what it lies on.
        outline: of two grids of fractions (u across, v up) gives (rise, turn) on the bodice.
        cells: (across, up) of the grid.
        lift: metres above the cloth, or a value for each point [up + 1, across + 1].
    """
    v, u = np.meshgrid(
        np.linspace(0, 1, cells[1] + 1), np.linspace(0, 1, cells[0] + 1), indexing="ij"
    )
    rise, turn = outline(u, v)
    points = shape.points(rise, turn, np.asarray(lift, float))
    weights = weights_of_skin(points)
    return cloth(name, slot, points, weights, closed=False, thickness=0.003, middle=_INSIDE)


def neck_ring(
    name: str,
    slot: str,
    heights: tuple[float, ...],
    radii: tuple[float, ...],
    gap: float = 0.0,
    columns: int = 20,
    lean: float = 0.0,
) -> Part:
    """A collar that stands round the neck.

    Args:
        name: of the part.
        slot: of the part.
        heights: of its rings in front, from the lower edge up; behind it lies higher.
        radii: of its rings.
        gap: half the opening in front, radians.
        columns: of the grid.
        lean: how much higher it lies behind, metres.
    """
    angle = np.linspace(FRONT + gap, FRONT + 2.0 * np.pi - gap, columns + 1)
    back = (1.0 - np.sin(angle)) / 2.0
    height = np.asarray(heights)[:, None] + (0.016 + lean) * back
    radius = np.asarray(radii)[:, None]
    points = np.stack(
        [
            radius * np.cos(angle) + 0.0 * height,
            height,
            -0.018 + radius * np.sin(angle) * 0.97 + 0.0 * height,
        ],
        axis=-1,
    )
    weights = weights_of_skin(points * [0.4, 1.0, 0.4])
    return cloth(name, slot, points, weights, gap == 0.0)


def button(shape: Bodice, rise: float, turn: float, radius: float = 0.008) -> FloatArray:
    """[3, 9, 3] grid of a button on a bodice: its rim, its edge and its middle."""
    center = shape.points(np.array([rise]), np.array([turn]), 0.001)[0]
    ahead = shape.points(np.array([rise]), np.array([turn]), 0.011)[0] - center
    outward = ahead / np.linalg.norm(ahead)
    across = np.cross([0.0, 1.0, 0.0], outward)
    across /= np.linalg.norm(across)
    up = np.cross(outward, across)
    angle = np.linspace(0.0, 2.0 * np.pi, 9)
    circle = np.cos(angle)[:, None] * across + np.sin(angle)[:, None] * up
    return np.stack(
        [
            center + radius * circle,
            center + radius * circle + 0.004 * outward,
            center + 0.001 * circle + 0.005 * outward,
        ]
    )


def buttons(
    name: str, slot: str, shape: Bodice, places: list[tuple[float, float]], radius: float = 0.008
) -> list[Part]:
    """A part for each button at places (rise, turn)."""
    grids = [button(shape, rise, turn, radius) for rise, turn in places]
    return [
        cloth(name, slot, grid, weights_of_skin(grid[:1].mean(axis=1, keepdims=True) + 0.0 * grid),
              hems="")
        for grid in grids
    ]  # fmt: skip


def eased(value: FloatArray, low: float, high: float) -> FloatArray:
    """`smooth_step`, for lifts of patches."""
    return smooth_step(value, low, high)
