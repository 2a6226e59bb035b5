"""Her body without the head: smooth skin over the melted solid, in regions to hide.

Trunk, arms, legs and feet are lofts that reach into one another. All lie on the one surface of
`body_field` and take their normals from it, so where two overlap they agree and no seam shows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tools.avatars.builtin.body.body_field import outward_directions, profile_distance, snapped
from tools.avatars.builtin.body.body_paint import atlas_uvs, bake_skin, skin_material
from tools.avatars.builtin.body.hands import hand_parts
from tools.avatars.builtin.body.proportions import JOINT_NAMES, PROFILES
from tools.avatars.builtin.body.skin_weights import skin_weights
from tools.avatars.builtin.shapes.curves import FloatArray
from tools.avatars.builtin.shapes.part import Part, ToonMaterial, make_part, merged, mirrored
from tools.avatars.builtin.shapes.sweeps import Mesh, loft

# Triangles this deep inside another limb are left out.
_HIDDEN_DEPTH = 0.007


class _Limb(NamedTuple):
    """How a limb is meshed: its rings' places, their corners, and where its regions begin.

    Attributes:
        profile: key of PROFILES (of the left side, where there are two).
        places: values of the axis' coordinate with a ring, from the first region to the last.
        num_sides: corners of a ring.
        regions: (name, first place) of each, in the order of the places.
        caps: which ends are closed.
    """

    profile: str
    places: tuple[float, ...]
    num_sides: int
    regions: tuple[tuple[str, float], ...]
    caps: tuple[bool, bool]


def _steps(*stretches: tuple[float, float, int]) -> tuple[float, ...]:
    """Evenly spaced places over each (start, end, count of rings)."""
    places = [
        np.round(np.linspace(start, end, count, endpoint=False), 5)
        for start, end, count in stretches
    ]
    return (*np.concatenate(places).tolist(), stretches[-1][1])


TORSO = _Limb(
    "torso",
    _steps((0.755, 0.94, 10), (0.94, 1.06, 5), (1.06, 1.20, 10), (1.20, 1.27, 6), (1.27, 1.39, 5)),
    36,
    (("Hips", 0.755), ("Waist", 0.94), ("Chest", 1.06), ("Neck", 1.20)),
    (True, False),
)
ARM = _Limb(
    "leftArm",
    _steps((0.055, 0.10, 4), (0.10, 0.20, 7), (0.20, 0.30, 4), (0.30, 0.38, 6), (0.38, 0.545, 7)),
    16,
    (("Shoulder", 0.055), ("UpperArm", 0.20), ("LowerArm", 0.34)),
    (False, False),
)
LEG = _Limb(
    "leftLeg",
    _steps((0.86, 0.70, 8), (0.70, 0.51, 6), (0.51, 0.41, 8), (0.41, 0.11, 9), (0.11, 0.02, 4)),
    20,
    (("UpperThigh", 0.86), ("Thigh", 0.70), ("Shin", 0.46), ("Foot", 0.11)),
    (False, False),
)
FOOT = _Limb(
    "leftFoot",
    _steps((-0.046, -0.034, 2), (-0.034, 0.14, 9), (0.14, 0.16, 3)),
    14,
    (("Foot", -0.046),),
    (True, True),
)


class _Skin(NamedTuple):
    """A limb's whole mesh.

    Attributes:
        mesh: the loft, laid onto the body.
        rows: [V] the ring that each vertex belongs to.
        depths: [V] metres inside another limb before it was laid.
        grid: [R, C, 3] the rings' vertices.
    """

    mesh: Mesh
    rows: np.ndarray
    depths: FloatArray
    grid: FloatArray


def _depths_in_others(limb: _Limb, points: FloatArray) -> FloatArray:
    """[N] how deep [N, 3] places lie inside the limbs that join this one."""
    others = [
        profile
        for name, profile in PROFILES.items()
        if name != limb.profile and (limb.profile == "torso" or not name.startswith("right"))
    ]
    return np.max([-profile_distance(profile, points) for profile in others], axis=0)


def _lay(limb: _Limb) -> _Skin:
    """The limb's loft laid onto the body's surface."""
    profile = PROFILES[limb.profile]
    fractions = profile.fraction_at(np.array(limb.places))
    rings = np.stack([profile.ring(fraction, limb.num_sides) for fraction in fractions])
    # What lies deep inside another limb is not shown, and has no surface to be laid on.
    depths = _depths_in_others(limb, rings.reshape(-1, 3)).reshape(rings.shape[:2])
    shown = depths < 2.0 * _HIDDEN_DEPTH
    rings[shown] = snapped(rings[shown], num_steps=6)
    mesh = loft(rings, *limb.caps)
    rows, columns = rings.shape[0], rings.shape[1] + 1
    lids = [row for row, is_closed in zip((0, rows - 1), limb.caps, strict=True) if is_closed]
    return _Skin(
        mesh=mesh,
        rows=np.array([*np.arange(rows).repeat(columns), *lids]),
        depths=np.append(np.hstack([depths, depths[:, :1]]), np.zeros(len(lids))),
        grid=mesh.positions[: rows * columns].reshape(rows, columns, 3),
    )


def _region_parts(limb: _Limb, skin: _Skin, material: ToonMaterial) -> list[Part]:
    """The limb's regions as parts."""
    mesh = skin.mesh
    shown = (skin.depths[mesh.triangles] < _HIDDEN_DEPTH).any(axis=1)
    starts = [limb.places.index(start) for _, start in limb.regions] + [len(limb.places) - 1]
    normals = outward_directions(mesh.positions)
    weights = skin_weights(mesh.positions)
    uvs = atlas_uvs(limb.profile, mesh.uvs)
    side = "" if limb.profile == "torso" else "Left"
    parts = []
    for (name, _), first, last in zip(limb.regions, starts[:-1], starts[1:], strict=True):
        rows = skin.rows[mesh.triangles]
        chosen = mesh.triangles[shown & (rows.min(axis=1) >= first) & (rows.max(axis=1) <= last)]
        used, triangles = np.unique(chosen, return_inverse=True)
        parts.append(
            make_part(
                f"Body{side}{name}",
                "body",
                material,
                mesh.positions[used],
                triangles.reshape(-1, 3),
                JOINT_NAMES,
                weights[used],
                uvs[used],
                normals[used],
            )
        )
    return parts


def body_parts() -> list[Part]:
    """Trunk, arms, legs, hands and feet, each region a part: `BodyHips`, `BodyLeftShin` ..."""
    limbs = (TORSO, ARM, LEG, FOOT)
    skins = [_lay(limb) for limb in limbs]
    texture = bake_skin({limb.profile: skin.grid for limb, skin in zip(limbs, skins, strict=True)})
    material = skin_material("SkinBody", texture)
    torso, arm, leg, foot = (
        _region_parts(limb, skin, material) for limb, skin in zip(limbs, skins, strict=True)
    )
    left = [*arm, *leg[:-1], merged([leg[-1], *foot], "BodyLeftFoot")]
    return [*torso, *left, *(mirrored(part) for part in left), *hand_parts(material)]
