"""Collars, lapels and hoods: what turns a shell round the trunk into a shirt or a blazer."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step
from tools.avatars.builtin.shapes.part import Part
from tools.avatars.builtin.wardrobe.bodices import FRONT, Bodice, eased, neck_ring, on_bodice
from tools.avatars.builtin.wardrobe.cloth import as_one, cloth, weights_of_skin


def turned_collar(name: str, slot: str, shape: Bodice, width: float = 0.15) -> Part:
    """A shirt's collar: a stand round the neck, and two points that lie on the breast."""

    def flap(side: float):
        def outline(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
            # From the middle of the front to the back of the neck; the point is in front.
            reach = width * (1.0 - 0.45 * smooth_step(u, 0.0, 0.5))
            rise = 1.0 - reach * (1.0 - v) * (0.35 + 0.65 * smooth_step(u, 0.0, 0.08))
            turn = 0.004 + 0.50 * u
            return rise, np.where(side > 0, turn, 1.0 - turn)

        return outline

    lift = np.array([[0.009], [0.011], [0.010], [0.004]])
    flaps = [on_bodice(name, slot, shape, flap(side), (12, 3), lift) for side in (1.0, -1.0)]
    stand = neck_ring(name, slot, (1.236, 1.250, 1.262), (0.058, 0.050, 0.047), gap=0.10)
    return as_one(name, [stand, *flaps])


def sailor_collar(
    name: str, slot: str, shape: Bodice, border: tuple[float, float] = (0.0, 1.0)
) -> Part:
    """A sailor's collar: lapels that meet at the V, and a square flap on the back.

    Args:
        name: of the part.
        slot: of the part.
        shape: what it lies on, with a V neckline.
        border: the stretch of its width that is made, from the neck (0) to its outer edge (1).
    """

    def outline(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
        # u goes round from the V in front over the shoulder and back; v from the edge inward.
        out = border[0] + (border[1] - border[0]) * (1.0 - v)
        behind = smooth_step(np.abs(u - 0.5), 0.24, 0.06)
        front = 1.0 - smooth_step(np.abs(u - 0.5), 0.30, 0.50)
        depth = 0.16 * front + 0.30 * behind
        rise = 1.0 - np.minimum(out * depth, 0.60)
        squared = u + out * 0.05 * np.sin(2.0 * np.pi * u) * behind
        return rise, squared

    lift = np.linspace(0.010, 0.006, 4)[:, None] if border == (0.0, 1.0) else 0.0115
    return on_bodice(name, slot, shape, outline, (44, 3), lift)


def lapels(name: str, slot: str, shape: Bodice, low: float = 0.42, width: float = 0.075) -> Part:
    """Two lapels along the opening of a jacket, widest near the collar bone.

    Args:
        name: of the part.
        slot: of the part.
        shape: a bodice with a gap.
        low: where they begin, as a fraction of the bodice's height.
        width: where they are widest, as a fraction of the way round.
    """

    def one(side: float):
        def outline(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
            rise = low + (1.0 - low) * v
            notch = 1.0 - 0.45 * eased(v, 0.80, 0.83) + 0.35 * eased(v, 0.84, 0.90)
            wide = width * (0.12 + 0.88 * eased(v, 0.0, 0.78)) * notch
            turn = -0.002 + wide * u
            return rise, np.where(side > 0, turn, 1.0 - turn)

        return outline

    lift = np.linspace(0.005, 0.010, 4)[None, :]
    return as_one(
        name,
        [on_bodice(name, slot, shape, one(side), (3, 14), lift) for side in (1.0, -1.0)],
    )


def standing_collar(name: str, slot: str, width: float = 0.004, gap: float = 0.12) -> Part:
    """An uniform's collar, so much wider than the neck."""
    radii = tuple(radius + width for radius in (0.060, 0.050, 0.047, 0.046))
    return neck_ring(name, slot, (1.230, 1.244, 1.262, 1.276), radii, gap)


def rolled_collar(name: str, slot: str) -> Part:
    """A jersey's collar, turned down once."""
    return neck_ring(
        name, slot,
        (1.228, 1.246, 1.268, 1.284, 1.286, 1.270, 1.244, 1.236),
        (0.066, 0.054, 0.048, 0.049, 0.058, 0.064, 0.070, 0.066),
    )  # fmt: skip


def hood_down(name: str, slot: str) -> Part:
    """A hood that lies behind the neck."""
    turn = np.linspace(0.0, np.pi, 19)[None, :]
    fold = np.linspace(0.0, 1.0, 8)[:, None]
    turn, fold = np.broadcast_arrays(turn, fold)
    angle = FRONT + 0.35 + (2.0 * np.pi - 0.70) * turn / np.pi
    back = smooth_step(-np.sin(angle), -0.55, 0.9)
    ring = 2.0 * np.pi * 0.86 * fold + 0.9
    thick = 0.016 + 0.036 * back
    middle = 0.066 + 0.030 * back
    radius = middle + thick * np.cos(ring)
    height = 1.243 + 0.018 * back + (0.013 + 0.030 * back) * np.sin(ring)
    points = np.stack(
        [radius * np.cos(angle), height, -0.018 + radius * np.sin(angle) * 0.95], axis=-1
    )
    weights = weights_of_skin(points * [0.3, 0.0, 0.3] + [0.0, 1.215, 0.0])
    return cloth(name, slot, points, weights, closed=False, hems="", sides=False)


def crossed_collar(name: str, slot: str, shape: Bodice, width: float = 0.10) -> Part:
    """A kimono's collar: a band round the neck whose left side crosses over the right one."""

    def one(side: float):
        def outline(u: FloatArray, v: FloatArray) -> tuple[FloatArray, FloatArray]:
            # v runs from the other side of the waist over the V's end to the nape.
            before = np.clip((0.24 - v) / 0.24, 0.0, 1.0)
            turn = 0.50 * np.maximum(v - 0.24, 0.0) / 0.76 - 0.10 * before
            rise = 1.0 - 0.34 * before - width * u
            return rise, np.where(side > 0, 1.0 - turn, turn) % 1.0

        return outline

    upper = on_bodice(name, slot, shape, one(1.0), (2, 26), 0.009)
    lower = on_bodice(name, slot, shape, one(-1.0), (2, 26), 0.005)
    return as_one(name, [upper, lower])
