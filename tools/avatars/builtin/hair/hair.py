"""Her hair: fringes and backs that combine freely; every back hides the scalp.

Costumes show one `HairFringe...` and one `HairBack...`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tools.avatars.builtin.body.proportions import JOINT_NAMES
from tools.avatars.builtin.hair.hair_pieces import (
    Place,
    both_sides,
    bun,
    bundle,
    curtain,
    gathered,
    mirrored_too,
    parted,
    plait,
)
from tools.avatars.builtin.hair.hair_strands import (
    Lock,
    cap,
    grown,
    hair_material,
    hair_uvs,
    hanging_weights,
    on_head,
)
from tools.avatars.builtin.shapes.curves import FloatArray
from tools.avatars.builtin.shapes.part import Part, ToonMaterial, make_part
from tools.avatars.builtin.shapes.sweeps import Mesh, joined

# Where tails, buns and braids begin: ribbons are bound there.
PONYTAIL_PLACE: Place = (180.0, 0.78, 0.016)
LOW_TAIL_PLACE: Place = (180.0, 1.50, -0.006)
LEFT_TWIN_PLACE: Place = (122.0, 0.74, 0.014)
SIDE_TAIL_PLACE: Place = (100.0, 0.72, 0.014)
BUN_PLACE: Place = (180.0, 0.62, 0.012)


def _side_lock(end_fall: float) -> list[Lock]:
    """Locks before the ears that frame the face."""
    return [
        Lock([(58, 0.25, 0.006), (74, 0.75, 0.013), (76, 1.4, 0.010), (68, end_fall, 0.0)], 0.034),
        Lock([(72, 0.30, 0.006), (88, 0.80, 0.013), (90, 1.5, 0.012),
              (84, end_fall - 0.25, 0.004)], 0.034),
    ]  # fmt: skip


def full_fringe() -> list[Lock]:
    """Locks that fall straight over the forehead."""
    sides = [
        Lock([(7, 0.10, 0.010), (11, 0.55, 0.017), (13, 0.90, 0.015), (10, 1.20, 0.008)], 0.033),
        Lock([(16, 0.12, 0.010), (26, 0.55, 0.016), (29, 0.90, 0.014), (26, 1.22, 0.007)], 0.033),
        Lock([(28, 0.15, 0.009), (41, 0.55, 0.016), (46, 0.90, 0.014), (44, 1.30, 0.007)], 0.035),
        Lock([(42, 0.20, 0.008), (58, 0.60, 0.014), (62, 1.00, 0.013), (58, 1.50, 0.005)], 0.034),
    ]
    middle = Lock([(0, 0.10, 0.011), (-2, 0.55, 0.019), (-3, 0.9, 0.017), (1, 1.16, 0.010)], 0.028)
    return [*both_sides([*sides, *_side_lock(2.35)]), middle]


def swept_fringe() -> list[Lock]:
    """Hair parted on her left and combed over to her right."""
    sweep = [
        Lock([(22, 0.12, 0.010), (8, 0.45, 0.020), (-14, 0.82, 0.018), (-32, 1.18, 0.008)], 0.044),
        Lock([(24, 0.14, 0.010), (-8, 0.42, 0.018), (-34, 0.82, 0.017), (-52, 1.30, 0.006)], 0.044),
        Lock(
            [(22, 0.10, 0.009), (-28, 0.42, 0.014), (-54, 0.85, 0.015), (-66, 1.55, 0.004)], 0.042
        ),
        Lock([(24, 0.14, 0.012), (18, 0.50, 0.020), (2, 0.88, 0.018), (-10, 1.15, 0.009)], 0.036),
        Lock([(30, 0.14, 0.010), (38, 0.55, 0.017), (44, 0.95, 0.014), (38, 1.24, 0.007)], 0.036),
        Lock([(34, 0.16, 0.009), (55, 0.60, 0.015), (62, 1.05, 0.013), (56, 1.60, 0.004)], 0.038),
    ]
    return [*sweep, *both_sides(_side_lock(2.5))]


def curtain_fringe() -> list[Lock]:
    """Hair parted in the middle; the forehead shows between two curtains."""
    sides = [
        Lock([(2, 0.12, 0.010), (20, 0.45, 0.020), (40, 0.85, 0.020), (48, 1.38, 0.010)], 0.040),
        Lock([(4, 0.14, 0.010), (34, 0.48, 0.018), (54, 0.90, 0.018), (60, 1.70, 0.006)], 0.042),
        Lock([(1, 0.12, 0.011), (12, 0.50, 0.020), (27, 0.85, 0.018), (34, 1.18, 0.008)], 0.030),
    ]
    return both_sides([*sides, *_side_lock(2.7)])


def blunt_fringe() -> list[Lock]:
    """A straight cut above the eyes, and cut side locks: a princess's hair."""
    azimuths = (-48, -32, -16, 0, 16, 32, 48)
    front = [
        Lock([(0.7 * a, 0.10, 0.010), (a, 0.55, 0.017), (a, 0.85, 0.015), (a, 1.13, 0.009)], 0.036)
        for a in azimuths
    ]
    cut = [
        Lock([(58, 0.20, 0.008), (68, 0.70, 0.014), (70, 1.5, 0.012), (67, 2.10, 0.006)], 0.040),
        Lock([(74, 0.25, 0.008), (84, 0.75, 0.014), (84, 1.5, 0.013), (81, 2.12, 0.007)], 0.040),
    ]
    return [*front, *both_sides(cut)]


def _locks(locks: Sequence[Lock]) -> list[Mesh]:
    return [cap(), *(grown(lock) for lock in locks)]


def _along(place: Place, *offsets: tuple[float, float, float]) -> FloatArray:
    """[K, 3]: a place on the head, and points at offsets (metres) from it."""
    start = on_head(*place)
    return np.array([start, *(start + offset for offset in offsets)])


def bob() -> list[Mesh]:
    """To the jaw, turned in at the ends."""
    return _locks(curtain(lambda azimuth: 2.02 + 0.22 * (180 - azimuth) / 90, 0.008, 0.012, 0.054))


def short_hair() -> list[Mesh]:
    """Short in the neck, with loose ends."""
    return _locks(curtain(lambda azimuth: 1.92 - 0.15 * (180 - azimuth) / 90, 0.0, 0.022, 0.048))


def medium_hair() -> list[Mesh]:
    """To the shoulders, turned out at the ends."""
    return _locks(curtain(lambda azimuth: 2.75 + 0.1 * (180 - azimuth) / 90, 0.006, -0.010, 0.056))


def long_hair() -> list[Mesh]:
    """Straight, to the waist."""
    return _locks(curtain(lambda azimuth: 5.6 - 1.3 * (180 - azimuth) / 90, 0.014, 0.006, 0.062))


def ponytail() -> list[Mesh]:
    """High behind the head."""
    points = _along(
        PONYTAIL_PLACE, (0, 0.030, -0.035), (0, 0.010, -0.085), (0, -0.110, -0.115),
        (0, -0.260, -0.100), (0, -0.390, -0.075),
    )  # fmt: skip
    return [cap(), *gathered(PONYTAIL_PLACE), *bundle(points, 0.032, 0.050, 8)]


def low_tail() -> list[Mesh]:
    """Bound in the neck, down the back."""
    points = _along(
        LOW_TAIL_PLACE, (0, -0.03, -0.022), (0, -0.15, -0.035), (0, -0.29, -0.020),
        (0, -0.42, -0.012),
    )  # fmt: skip
    return [cap(), *gathered(LOW_TAIL_PLACE), *bundle(points, 0.022, 0.040, 7)]


def twin_tails() -> list[Mesh]:
    """High on both sides."""
    points = _along(
        LEFT_TWIN_PLACE, (0.035, 0.018, -0.010), (0.070, -0.040, -0.020), (0.085, -0.180, -0.025),
        (0.080, -0.330, -0.020), (0.070, -0.440, -0.005),
    )  # fmt: skip
    half = parted(LEFT_TWIN_PLACE)
    return [cap(), *mirrored_too([*half, *bundle(points, 0.026, 0.044, 7)])]


def side_tail() -> list[Mesh]:
    """High on her left."""
    points = _along(
        SIDE_TAIL_PLACE, (0.035, 0.020, -0.004), (0.068, -0.040, -0.006), (0.080, -0.180, 0.0),
        (0.076, -0.330, 0.008), (0.066, -0.430, 0.020),
    )  # fmt: skip
    return [cap(), *gathered(SIDE_TAIL_PLACE), *bundle(points, 0.028, 0.046, 8)]


def top_bun() -> list[Mesh]:
    """One bun behind the crown."""
    return [cap(), *gathered(BUN_PLACE), *bun(BUN_PLACE, 0.044)]


def twin_buns() -> list[Mesh]:
    """Two buns high on both sides."""
    place = (112.0, 0.48, 0.012)
    half = parted(place)
    return [cap(), *mirrored_too([*half, *bun(place, 0.035)])]


def braid() -> list[Mesh]:
    """A braid down the back."""
    points = _along(
        LOW_TAIL_PLACE, (0, -0.03, -0.024), (0, -0.14, -0.040), (0, -0.27, -0.030),
        (0, -0.38, -0.020),
    )  # fmt: skip
    return [cap(), *gathered(LOW_TAIL_PLACE), *plait(points, 0.042, 12)]


def twin_braids() -> list[Mesh]:
    """Two braids over the shoulders."""
    points = [[0.070, 1.392, -0.048], [0.083, 1.33, -0.012], [0.088, 1.25, 0.045],
              [0.082, 1.16, 0.098], [0.078, 1.06, 0.105], [0.076, 0.98, 0.092]]  # fmt: skip
    half = parted((122.0, 1.55, -0.004))
    return [cap(), *mirrored_too([*half, *plait(points, 0.036, 12)])]


FRINGES = {
    "HairFringeFull": full_fringe,
    "HairFringeSwept": swept_fringe,
    "HairFringeCurtain": curtain_fringe,
    "HairFringeBlunt": blunt_fringe,
}
# How far each back goes with the head (1) or stays with the shoulders (0).
BACKS = {
    "HairBackBob": (bob, 1.0),
    "HairBackShort": (short_hair, 1.0),
    "HairBackMedium": (medium_hair, 0.6),
    "HairBackLong": (long_hair, 0.1),
    "HairBackPonytail": (ponytail, 0.6),
    "HairBackLowTail": (low_tail, 0.1),
    "HairBackTwinTails": (twin_tails, 0.6),
    "HairBackSideTail": (side_tail, 0.5),
    "HairBackBun": (top_bun, 1.0),
    "HairBackTwinBuns": (twin_buns, 1.0),
    "HairBackBraid": (braid, 0.1),
    "HairBackTwinBraids": (twin_braids, 0.0),
}


def _hair_part(
    name: str, slot: str, material: ToonMaterial, meshes: Sequence[Mesh], stiffness: float
) -> Part:
    """One part of locks, each with its own strip of the texture."""
    mesh = joined(meshes)
    uvs = [hair_uvs(piece, 0.237 * index) for index, piece in enumerate(meshes)]
    weights = hanging_weights(mesh.positions, stiffness)
    return make_part(
        name, slot, material, mesh.positions, mesh.triangles, JOINT_NAMES, weights,
        np.concatenate(uvs),
    )  # fmt: skip


def hair_parts() -> list[Part]:
    """All fringes (slot "fringe") and backs (slot "hair")."""
    material = hair_material()
    fringes = [
        _hair_part(name, "fringe", material, [grown(lock) for lock in make()], 1.0)
        for name, make in FRINGES.items()
    ]
    backs = [
        _hair_part(name, "hair", material, make(), stiffness)
        for name, (make, stiffness) in BACKS.items()
    ]
    return [*fringes, *backs]
