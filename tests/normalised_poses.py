"""Poses as VRM states them: each bone's turn from its rest, relative to its parent's.

Between these and a `Motion` (turns from the T-pose, relative to the world) lie only rotations, so
that an independent program can be given a pose without being given a position.
"""

import numpy as np

from psgan_tf.motion.humanoid import ancestor_among
from psgan_tf.motion.motions import Motion, in_humanoid_order
from psgan_tf.motion.transforms import (
    conjugate_quaternions,
    multiply_quaternions,
    quaternions_from_matrices,
)

BODY = tuple(
    ["hips", "spine", "chest", "upperChest", "neck", "head"]
    + [
        side + name
        for side in ("left", "right")
        for name in (
            "Shoulder",
            "UpperArm",
            "LowerArm",
            "Hand",
            "UpperLeg",
            "LowerLeg",
            "Foot",
            "Toes",
        )
    ]
)


def _alignment(rig, bone):
    return quaternions_from_matrices(rig.alignments[bone])


def _in_world(rig, rotation):
    """A rotation in canonical axes as one in the rig's own world."""
    frame = quaternions_from_matrices(rig.frame)
    return multiply_quaternions(
        multiply_quaternions(frame, rotation), conjugate_quaternions(frame)
    )


def _in_canonical(rig, rotation):
    frame = quaternions_from_matrices(rig.frame)
    return multiply_quaternions(
        multiply_quaternions(conjugate_quaternions(frame), rotation), frame
    )


def normalised_pose(rig, posed, frame):
    """{"bones": {bone: [4]}, "hips_travel": [3]} of one frame of a posed skeleton."""
    skeleton = posed.skeleton
    world = {
        bone: _in_world(
            rig,
            multiply_quaternions(
                posed.rotations[frame, skeleton.bones.index(bone)], _alignment(rig, bone)
            ),
        )
        for bone in BODY
        if bone in skeleton.bones
    }
    local = {}
    for bone, rotation in world.items():
        parent = ancestor_among(bone, world)
        if parent is not None:
            rotation = multiply_quaternions(conjugate_quaternions(world[parent]), rotation)
        local[bone] = rotation.tolist()
    travel = rig.frame @ (posed.hips[frame] - skeleton.offsets[0])
    return {"bones": local, "hips_travel": travel.tolist()}


def motion_of_normalised_poses(rig, poses):
    """The motion whose frames are `poses` (as above) on the avatar of `rig`."""
    bones = in_humanoid_order(set(poses[0]["bones"]))
    rotations = np.empty((len(poses), len(bones), 4))
    for frame, pose in enumerate(poses):
        world = {}
        for bone in bones:
            parent = ancestor_among(bone, world)
            local = np.array(pose["bones"][bone])
            world[bone] = local if parent is None else multiply_quaternions(world[parent], local)
            rotations[frame, bones.index(bone)] = multiply_quaternions(
                _in_canonical(rig, world[bone]), conjugate_quaternions(_alignment(rig, bone))
            )
    travel = np.array([pose["hips_travel"] for pose in poses]) @ rig.frame
    return Motion("poses", "test", 30.0, bones, rotations, travel / rig.leg_length)
