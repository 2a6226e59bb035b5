"""Her hands: a rounded palm, and five fingers bent a little, each on its own three bones."""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.body.body_paint import PLAIN_UV
from tools.avatars.builtin.body.proportions import JOINT_NAMES, JOINTS
from tools.avatars.builtin.body.skin_weights import bound_to, skin_weights
from tools.avatars.builtin.shapes.curves import FloatArray, curve_through, smooth_curve, smooth_step
from tools.avatars.builtin.shapes.part import Part, ToonMaterial, make_part, mirrored
from tools.avatars.builtin.shapes.sweeps import Mesh, joined, loft, tube

_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}

# Bones of each finger, how far its tip lies beyond the last joint, its radius at root and tip.
_FINGERS = {
    "Thumb": (("Metacarpal", "Proximal", "Distal"), 0.022, 0.0105, 0.0062),
    "Index": (("Proximal", "Intermediate", "Distal"), 0.019, 0.0082, 0.0050),
    "Middle": (("Proximal", "Intermediate", "Distal"), 0.020, 0.0084, 0.0052),
    "Ring": (("Proximal", "Intermediate", "Distal"), 0.019, 0.0079, 0.0049),
    "Little": (("Proximal", "Intermediate", "Distal"), 0.016, 0.0069, 0.0043),
}
_BEND_LENGTH = 0.007

# x; centre z, y; reaches front, back, up, down: from inside the wrist to the knuckles.
_PALM = np.array(
    [
        (0.530, -0.014, 1.232, 0.0205, 0.0205, 0.0165, 0.0165),
        (0.550, -0.014, 1.232, 0.0220, 0.0210, 0.0155, 0.0160),
        (0.575, -0.014, 1.232, 0.0270, 0.0245, 0.0140, 0.0160),
        (0.600, -0.013, 1.232, 0.0300, 0.0285, 0.0125, 0.0140),
        (0.618, -0.013, 1.232, 0.0305, 0.0290, 0.0110, 0.0120),
        (0.630, -0.011, 1.231, 0.0270, 0.0250, 0.0080, 0.0090),
        (0.636, -0.010, 1.231, 0.0200, 0.0180, 0.0040, 0.0050),
    ]
)


def _palm() -> Mesh:
    places = np.concatenate([np.linspace(0.530, 0.610, 6), [0.620, 0.628, 0.633, 0.636]])
    rows = smooth_curve(_PALM[:, 0], _PALM[:, 1:], places)
    angles = 2.0 * np.pi * np.arange(14) / 14
    cosine, sine = np.cos(angles), np.sin(angles)
    # A hand is flatter than an ellipse: its back and its palm are nearly straight.
    cosine = np.sign(cosine) * np.abs(cosine) ** 0.75
    front = np.where(cosine >= 0, rows[:, 2:3], rows[:, 3:4])
    up = np.where(sine >= 0, rows[:, 4:5], rows[:, 5:6])
    rings = np.stack(
        [
            np.broadcast_to(places[:, None], front.shape),
            rows[:, 1:2] + up * sine,
            rows[:, :1] + front * cosine,
        ],
        axis=-1,
    )
    return loft(rings, cap_end=True)


def _finger(name: str) -> tuple[Mesh, FloatArray]:
    """A finger of the left hand and its weights."""
    bones, tip_length, root_radius, tip_radius = _FINGERS[name]
    joints = np.array([JOINTS[f"left{name}{bone}"] for bone in bones])
    last = joints[2] - joints[1]
    tip = joints[2] + last / np.linalg.norm(last) * tip_length
    palm = np.array([0.560, 1.230, -0.012])
    root = joints[0] + 0.35 * (palm - joints[0]) if name != "Thumb" else [0.548, 1.230, -0.006]
    dense = curve_through(np.vstack([root, joints, tip]), 200)
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(dense, axis=0), axis=1))])
    # The tip is round: the last rings close in over the length of one radius.
    end = lengths[-1]
    round_from = end - tip_radius
    close = end - tip_radius * np.array([0.55, 0.2, 0.0])
    along = np.concatenate([np.linspace(0.0, round_from, 8), close])
    path = np.stack([np.interp(along, lengths, dense[:, axis]) for axis in range(3)], axis=1)
    part = along / along[-1]
    radii = root_radius + (tip_radius - root_radius) * part
    if name == "Thumb":
        radii *= 1.0 + 0.45 * (1.0 - smooth_step(part, 0.1, 0.5))
    to_tip = np.minimum((along[-1] - along) / tip_radius, 1.0)
    radii *= np.sqrt(np.clip(1.0 - (1.0 - to_tip) ** 2, 0.01, 1.0))
    mesh = tube(path, radii, 6, side=(0.0, 1.0, 0.0), cap_start=False)
    nearest = np.linalg.norm(dense[:, None] - joints, axis=2).argmin(axis=0)
    starts = lengths[nearest]
    weights = bound_to("leftHand", len(mesh.positions))
    along_vertex = np.append(along.repeat(7), along[-1])
    parent = "leftHand"
    for bone, start in zip(bones, starts, strict=True):
        part_moved = smooth_step(along_vertex, start - _BEND_LENGTH, start + _BEND_LENGTH)
        moved = weights[:, _INDEX[parent]] * part_moved
        weights[:, _INDEX[parent]] -= moved
        weights[:, _INDEX[f"left{name}{bone}"]] += moved
        parent = f"left{name}{bone}"
    return mesh, weights


def hand_parts(material: ToonMaterial) -> list[Part]:
    """`BodyLeftHand` and `BodyRightHand`."""
    palm = _palm()
    fingers = [_finger(name) for name in _FINGERS]
    mesh = joined([palm, *(finger for finger, _ in fingers)])
    weights = np.concatenate([skin_weights(palm.positions), *(bound for _, bound in fingers)])
    left = make_part(
        "BodyLeftHand",
        "body",
        material,
        mesh.positions,
        mesh.triangles,
        JOINT_NAMES,
        weights,
        np.broadcast_to(PLAIN_UV, (len(mesh.positions), 2)),
    )
    return [left, mirrored(left)]
