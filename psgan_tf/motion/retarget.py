"""Any motion on any character: keeps the angles, takes the character's own limb lengths.

Each bone turns in the world as the motion's does relative to the T-pose; a bone that the motion
lacks keeps its T-pose angle to its parent. The hips travel in leg lengths. What then stands on the
ground is a stated rule, since a character of other proportions would sink or float:

* `motion`: one shift for the whole motion, so that the lowest sole of all frames (or the hips,
  where a sitting character's are lower) touches the ground; jumps stay jumps;
* `frame`: the same for each frame by itself (for drifting captures; jumps are lost);
* `none`: the hips' height as the motion says it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from psgan_tf.motion.motion import Motion
from psgan_tf.motion.rest_skeleton import RestSkeleton, SkeletonPoint
from psgan_tf.motion.rig import Rig
from psgan_tf.motion.transforms import (
    IDENTITY_QUATERNION,
    FloatArray,
    conjugate_quaternions,
    matrices_from_trs,
    multiply_quaternions,
    quaternions_from_matrices,
    rotate_vectors,
)

GROUND_RULES = ("motion", "frame", "none")


@dataclass(frozen=True, eq=False)
class PosedSkeleton:
    """A character going through a motion, in canonical axes.

    Attributes:
        skeleton: the character.
        fps: frames a second.
        rotations: [F, B, 4] each bone's world rotation relative to the T-pose.
        positions: [F, B, 3] each bone's joint; the ground is at height 0.
    """

    skeleton: RestSkeleton
    fps: float
    rotations: FloatArray
    positions: FloatArray

    @property
    def num_frames(self) -> int:
        """F."""
        return len(self.positions)

    @property
    def hips(self) -> FloatArray:
        """[F, 3]."""
        return self.positions[:, 0]

    @property
    def keypoints(self) -> FloatArray:
        """[F, 20, 3]: the points of schema `avatar20`."""
        return self.points(self.skeleton.keypoints)

    def points(self, points: tuple[SkeletonPoint, ...]) -> FloatArray:
        """[F, P, 3]: where points of the skeleton are."""
        return np.stack(
            [
                self.positions[:, point.bone]
                + rotate_vectors(self.rotations[:, point.bone], point.offset)
                for point in points
            ],
            axis=1,
        )


def check_ground(ground: str) -> None:
    """Refuses what is none of GROUND_RULES."""
    if ground not in GROUND_RULES:
        raise ValueError(
            f"`ground` must be one of {', '.join(GROUND_RULES)}. Received: {ground!r}."
        )


def retarget(skeleton: RestSkeleton, motion: Motion, ground: str = "motion") -> PosedSkeleton:
    """The character of `skeleton` going through `motion`.

    Args:
        skeleton: the character.
        motion: F frames.
        ground: one of GROUND_RULES.

    Raises:
        ValueError: `ground` is no rule.
    """
    check_ground(ground)
    rotations = _bone_rotations(skeleton, motion)
    positions = np.empty((motion.num_frames, len(skeleton.bones), 3))
    positions[:, 0] = skeleton.offsets[0] + motion.hips_offsets * skeleton.leg_length
    for bone, parent in enumerate(skeleton.parents):
        if parent >= 0:
            positions[:, bone] = positions[:, parent] + rotate_vectors(
                rotations[:, parent], skeleton.offsets[bone]
            )
    posed = PosedSkeleton(skeleton, motion.fps, rotations, positions)
    if ground != "none":
        lowest = posed.points(skeleton.contacts)[:, :, 1].min(axis=1)
        shift = lowest[:, None] if ground == "frame" else lowest.min()
        positions[:, :, 1] -= shift
    return posed


def _bone_rotations(skeleton: RestSkeleton, motion: Motion) -> FloatArray:
    """[F, B, 4]: the motion's rotation where it has the bone, else the parent's.

    Trunks have one to three bones. The topmost carries neck and shoulders, so it turns as the
    motion's topmost does, whatever the two are called.
    """
    column = {bone: index for index, bone in enumerate(motion.bones)}
    motion_top = _topmost_trunk_bone(motion.bones)
    skeleton_top = _topmost_trunk_bone(skeleton.bones)
    if motion_top is not None and skeleton_top is not None:
        column[skeleton_top] = column[motion_top]
    rotations = np.empty((motion.num_frames, len(skeleton.bones), 4))
    for bone, (name, parent) in enumerate(zip(skeleton.bones, skeleton.parents, strict=True)):
        if name in column:
            rotations[:, bone] = motion.rotations[:, column[name]]
        else:
            rotations[:, bone] = rotations[:, parent] if parent >= 0 else IDENTITY_QUATERNION
    return rotations


def _topmost_trunk_bone(bones: tuple[str, ...]) -> str | None:
    return next((bone for bone in ("upperChest", "chest", "spine") if bone in bones), None)


def rig_matrices(rig: Rig, posed: PosedSkeleton, frames: slice = slice(None)) -> FloatArray:
    """World matrices of all of an avatar's nodes as it goes through a motion.

    Args:
        rig: the avatar whose skeleton was posed.
        posed: the outcome of `retarget`.
        frames: which frames; take a few hundred at a time, a frame of 100 nodes is 13 kB.

    Returns:
        [F, N, 4, 4] float64 in canonical axes with the ground at height 0: a skin's joint matrix is
        `matrices[frame, joint] @ inverse_bind`, a rigid mesh's `matrices[frame, node]`.
    """
    rotations, hips = posed.rotations[frames], posed.hips[frames]
    bone_at_node = {rig.bones[bone]: bone for bone in posed.skeleton.bones}
    column = {bone: index for index, bone in enumerate(posed.skeleton.bones)}
    to_canonical = quaternions_from_matrices(rig.frame.T)
    world = np.empty((len(hips), len(rig.parents), 4, 4))
    turned: dict[int, FloatArray] = {-1: to_canonical}
    for node in map(int, rig.order):
        parent = int(rig.parents[node])
        bone = bone_at_node.get(node)
        parent_world = world[:, parent] if parent >= 0 else rig.canonical_from_world
        if bone is None:
            turned[node] = multiply_quaternions(turned[parent], rig.rest_rotations[node])
            world[:, node] = parent_world @ rig.rest_matrices[node]
            continue
        t_pose = multiply_quaternions(to_canonical, rig.t_pose_rotations[bone])
        turned[node] = multiply_quaternions(rotations[:, column[bone]], t_pose)
        local = matrices_from_trs(
            rig.rest_translations[node],
            multiply_quaternions(conjugate_quaternions(turned[parent]), turned[node]),
            rig.rest_scales[node],
        )
        world[:, node] = parent_world @ local
        if bone == "hips":
            world[:, node, :3, 3] = hips
    return world
