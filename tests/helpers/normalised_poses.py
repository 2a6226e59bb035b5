"""Poses as VRM states them: each bone's turn from its rest, relative to its parent's.

Between these and a `Motion` (turns from the T-pose, relative to the world) lie only rotations, so
that an independent program can be given a pose without being given a position.
"""

import numpy as np

from psgan_tf.motion.humanoid import SIDES, ancestor_among
from psgan_tf.motion.motion import Motion, in_humanoid_order
from psgan_tf.motion.transforms import (
    conjugate_quaternions,
    multiply_quaternions,
    quaternions_from_matrices,
    rotations_of,
)

BODY = (
    *("hips", "spine", "chest", "upperChest", "neck", "head"),
    *(
        side + name
        for side in SIDES
        for name in ("Shoulder", "UpperArm", "LowerArm", "Hand",
                     "UpperLeg", "LowerLeg", "Foot", "Toes")
    ),
)  # fmt: skip


def in_rig_axes(rig, rotation):
    """A rotation in canonical axes as one in the rig's own world."""
    frame = quaternions_from_matrices(rig.frame)
    return multiply_quaternions(multiply_quaternions(frame, rotation), conjugate_quaternions(frame))


def _in_canonical_axes(rig, rotation):
    frame = quaternions_from_matrices(rig.frame)
    return multiply_quaternions(multiply_quaternions(conjugate_quaternions(frame), rotation), frame)


def _alignment(rig, bone):
    return quaternions_from_matrices(rig.alignments[bone])


def _relative_to_parents(world):
    local = {}
    for bone, rotation in world.items():
        parent = ancestor_among(bone, world)
        local[bone] = (
            rotation
            if parent is None
            else multiply_quaternions(conjugate_quaternions(world[parent]), rotation)
        )
    return local


def normalised_deltas(rig, world_matrices):
    """Bone to [4], for a rig whose nodes have the world matrices [N, 4, 4]."""
    return _relative_to_parents(
        {
            bone: quaternions_from_matrices(
                rotations_of(world_matrices[node]) @ rotations_of(rig.rest_world_matrices[node]).T
            )
            for bone, node in rig.bones.items()
            if bone in BODY
        }
    )


def normalised_pose(rig, posed, frame):
    """{"bones": {bone: [4]}, "hips_travel": [3]} of one frame of a posed skeleton."""
    skeleton = posed.skeleton
    world = {
        bone: in_rig_axes(
            rig,
            multiply_quaternions(
                posed.rotations[frame, skeleton.bones.index(bone)], _alignment(rig, bone)
            ),
        )
        for bone in BODY
        if bone in skeleton.bones
    }
    travel = rig.frame @ (posed.hips[frame] - skeleton.offsets[0])
    local = {bone: turn.tolist() for bone, turn in _relative_to_parents(world).items()}
    return {"bones": local, "hips_travel": travel.tolist()}


def motion_of_normalised_poses(rig, poses):
    """The motion whose frames are `poses` (as above) on the avatar of `rig`."""
    bones = in_humanoid_order(set(poses[0]["bones"]))
    rotations = np.empty((len(poses), len(bones), 4))
    for frame, pose in enumerate(poses):
        world = {}
        for column, bone in enumerate(bones):
            parent = ancestor_among(bone, world)
            local = np.array(pose["bones"][bone])
            world[bone] = local if parent is None else multiply_quaternions(world[parent], local)
            rotations[frame, column] = multiply_quaternions(
                _in_canonical_axes(rig, world[bone]), conjugate_quaternions(_alignment(rig, bone))
            )
    travel = np.array([pose["hips_travel"] for pose in poses]) @ rig.frame
    return Motion("poses", "test", 30.0, bones, rotations, travel / rig.leg_length)
