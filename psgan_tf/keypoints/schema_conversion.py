"""Keypoints of one schema as those of another: what follows, what is derived, what is missing.

Schemas are joined by the names of joints, never by row numbers. docs/pose_files.md has the tables
that follow from this for each pair of built-in schemas.
"""

from __future__ import annotations

import numpy as np

from psgan_tf.keypoints.schema import Keypoints, Skeleton

EXACT, DERIVED, MISSING = "exact", "derived", "missing"

# An avatar's bone starts at the joint that a detector reports: the upper arm at the shoulder.
# The bone called "shoulder" is the collar bone, which no detector reports.
_JOINT_OF_BONE = {
    "hips": "mid_hip",
    "leftUpperArm": "left_shoulder",
    "leftLowerArm": "left_elbow",
    "leftHand": "left_wrist",
    "rightUpperArm": "right_shoulder",
    "rightLowerArm": "right_elbow",
    "rightHand": "right_wrist",
    "leftUpperLeg": "left_hip",
    "leftLowerLeg": "left_knee",
    "leftFoot": "left_ankle",
    "leftToes": "left_big_toe",
    "rightUpperLeg": "right_hip",
    "rightLowerLeg": "right_knee",
    "rightFoot": "right_ankle",
    "rightToes": "right_big_toe",
}

# Where a schema lacks a point that another has between two joints, it is half way.
_HALF_WAY = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}


def _joints(skeleton: Skeleton) -> list[str]:
    """The joint that each row shows."""
    return [_JOINT_OF_BONE.get(name, name) for name in skeleton.keypoints]


def conversion_indices(source: Skeleton, target: Skeleton) -> tuple[int, ...]:
    """For each row of `target`, the row of `source` with the same joint, or -1.

    Example: from `body25` to `openpose18` it is 0..7, 9..14, 15..18.
    """
    rows = {joint: i for i, joint in enumerate(_joints(source))}
    return tuple(rows.get(joint, -1) for joint in _joints(target))


def derived_rows(source: Skeleton, target: Skeleton) -> dict[int, tuple[int, int]]:
    """The rows of `target` that `source` lacks, but has the two joints half way between which
    they are: each with those rows of `source`.
    """
    rows = {joint: i for i, joint in enumerate(_joints(source))}
    derived = {}
    for row, joint in enumerate(_joints(target)):
        ends = _HALF_WAY.get(joint)
        if joint not in rows and ends is not None and all(end in rows for end in ends):
            derived[row] = (rows[ends[0]], rows[ends[1]])
    return derived


def conversion_table(source: Skeleton, target: Skeleton) -> dict[str, str]:
    """For each keypoint of `target` whether it is EXACT (the same joint), DERIVED or MISSING.

    Example: from `openpose18` the `hips` of `avatar20` are derived, and its `spine` is missing.
    """
    derived = derived_rows(source, target)
    table = {}
    for row, index in enumerate(conversion_indices(source, target)):
        kind = EXACT if index >= 0 else DERIVED if row in derived else MISSING
        table[target.keypoints[row]] = kind
    return table


def check_convertible(source: Skeleton, target: Skeleton) -> None:
    """Refuses schemas of which no keypoint follows from one to the other.

    Raises:
        ValueError: they share no joint; the message names both.
    """
    if set(conversion_table(source, target).values()) <= {MISSING}:
        raise ValueError(
            f"`schema` of the poses must share joints with the one wanted, {target.name!r}. "
            f"Received: {source.name!r}, which shares none. Use poses of {target.name!r}, or give "
            "the same joints the same names."
        )


def convert_keypoints(keypoints: Keypoints, source: Skeleton, target: Skeleton) -> Keypoints:
    """Keypoints of one schema as those of another, joined by name.

    A neck or mid hip that the source schema lacks is put half way between the shoulders or hips
    (visible where both are); any other point that it lacks is missing: x = y = visible = 0.

    Args:
        keypoints: [source.num_keypoints, 3] float32, x, y, visible or confidence.
        source: the schema of `keypoints`.
        target: the schema wanted.

    Returns:
        [target.num_keypoints, 3] float32.
    """
    keypoints = np.asarray(keypoints, np.float32).reshape(source.num_keypoints, 3)
    padded = np.concatenate([keypoints, np.zeros((1, 3), np.float32)])  # row -1: missing
    converted: Keypoints = padded[list(conversion_indices(source, target))]
    for row, ends in derived_rows(source, target).items():
        a, b = keypoints[list(ends)]
        if a[2] > 0 and b[2] > 0:
            converted[row] = [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, min(a[2], b[2])]
    return converted


def in_schema(keypoints: Keypoints, own: Skeleton, wanted: Skeleton) -> Keypoints:
    """[F, M, 3] keypoints of one schema as another's, by the names they share.

    Raises:
        ValueError: they share none; the message names both.
    """
    if own == wanted:
        return keypoints
    check_convertible(own, wanted)
    return np.stack([convert_keypoints(frame, own, wanted) for frame in keypoints])
