"""Skin weights of a place on the body, as a function of where it is in the T-pose.

Body and garments take them from here, so what lies on the skin at rest stays on it in all poses.
"""

from __future__ import annotations

import numpy as np

from tools.avatars.builtin.body.proportions import JOINT_NAMES, JOINTS
from tools.avatars.builtin.shapes.curves import FloatArray, smooth_step

_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}
_FINGERS = ("Thumb", "Index", "Middle", "Ring", "Little")

# Half the height over which one bone of the trunk hands over to the next.
_TRUNK = (
    ("spine", 0.045),
    ("chest", 0.045),
    ("upperChest", 0.045),
    ("neck", 0.034),
    ("head", 0.022),
)


def _hand_over(weights: FloatArray, parent: str, child: str, part: FloatArray) -> None:
    """Moves `part` [N] (0 to 1) of the weight of a bone to another one."""
    moved = weights[:, _INDEX[parent]] * part
    weights[:, _INDEX[parent]] -= moved
    weights[:, _INDEX[child]] += moved


def _trunk_weights(points: FloatArray) -> FloatArray:
    weights = np.zeros((len(points), len(JOINT_NAMES)))
    weights[:, _INDEX["hips"]] = 1.0
    parent = "hips"
    for child, half in _TRUNK:
        # A bone bends what is around its joint: the hand-over is centred on it.
        middle = JOINTS[child][1]
        _hand_over(weights, parent, child, smooth_step(points[:, 1], middle - half, middle + half))
        parent = child
    return weights


def _add_arm(weights: FloatArray, points: FloatArray, side: str, sign: float) -> None:
    x = points[:, 0] * sign
    height = points[:, 1] - JOINTS["leftUpperArm"][1]
    # The collar bone carries the top of the shoulder; the chest below keeps to the ribs.
    upper = smooth_step(points[:, 1], 1.130, 1.215)
    part = smooth_step(x, 0.0, 0.080) * upper
    for bone in ("upperChest", "chest", "neck"):
        _hand_over(weights, bone, side + "Shoulder", part)
    # The arm's crease leans: above the joint it lies nearer the neck than in the armpit.
    lean = x + 0.25 * height
    arm = smooth_step(lean, 0.066, 0.166) * smooth_step(points[:, 1], 1.120, 1.200)
    for bone in (side + "Shoulder", "upperChest", "chest"):
        _hand_over(weights, bone, side + "UpperArm", arm)
    elbow, wrist = JOINTS["leftLowerArm"][0], JOINTS["leftHand"][0]
    is_arm = points[:, 1] > 1.0
    _hand_over(
        weights, side + "UpperArm", side + "LowerArm",
        smooth_step(x, elbow - 0.032, elbow + 0.032) * is_arm,
    )  # fmt: skip
    _hand_over(
        weights, side + "LowerArm", side + "Hand",
        smooth_step(x, wrist - 0.024, wrist + 0.020) * is_arm,
    )  # fmt: skip


def _add_leg(weights: FloatArray, points: FloatArray, side: str, sign: float) -> None:
    x, y, z = points[:, 0] * sign, points[:, 1], points[:, 2]
    # Between the legs each side takes its own half; the hip crease rises outward.
    own = smooth_step(x, -0.012, 0.012)
    crease = 0.800 + 0.25 * np.clip(x, 0.0, 0.14) - 0.15 * np.clip(-z, 0.0, 0.10)
    part = smooth_step(crease - y, -0.060, 0.060) * own
    _hand_over(weights, "hips", side + "UpperLeg", part)
    knee, ankle, toes = (JOINTS["left" + name] for name in ("LowerLeg", "Foot", "Toes"))
    _hand_over(
        weights, side + "UpperLeg", side + "LowerLeg", smooth_step(knee[1] - y, -0.050, 0.050)
    )
    _hand_over(weights, side + "LowerLeg", side + "Foot", smooth_step(ankle[1] - y, -0.030, 0.022))
    _hand_over(
        weights, side + "Foot", side + "Toes", smooth_step(z, toes[2] - 0.022, toes[2] + 0.02)
    )


def skin_weights(points: FloatArray) -> FloatArray:
    """[N, len(JOINT_NAMES)] weights of places on the body or close to it, in the T-pose.

    Fingers are left to the hand; `hands.py` binds each to its own bones.
    """
    points = np.asarray(points, np.float64).reshape(-1, 3)
    weights = _trunk_weights(points)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _add_arm(weights, points, side, sign)
        _add_leg(weights, points, side, sign)
    weights[weights < 1e-4] = 0.0
    return weights / weights.sum(axis=1, keepdims=True)


def bound_to(joint: str, count: int) -> FloatArray:
    """[count, len(JOINT_NAMES)]: everything on one bone."""
    weights = np.zeros((count, len(JOINT_NAMES)))
    weights[:, _INDEX[joint]] = 1.0
    return weights
