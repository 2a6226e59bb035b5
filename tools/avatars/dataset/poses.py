"""Poses of an avatar: some frames of a motion, retargeted, with the exact keypoints."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from psgan_tf.motion.motion import Motion
from psgan_tf.motion.rest_skeleton import RestSkeleton
from psgan_tf.motion.retarget import PosedSkeleton, retarget, rig_matrices
from psgan_tf.motion.rig import Rig


@dataclass(frozen=True, eq=False)
class Poses:
    """P poses, in canonical axes (x to the character's left, y up, z forward), ground at 0.

    Attributes:
        frames: [P] int, which frames of the motion they are; the numbers of mixed poses.
        times_secs: [P]; 0 for mixed poses.
        node_worlds: [P, N, 4, 4] float64, world matrices of all of the avatar's nodes.
        hips: [P, 3] float64.
        keypoints: [P, 20, 3] float64, the points of schema `avatar20`.
    """

    frames: np.ndarray
    times_secs: np.ndarray
    node_worlds: np.ndarray
    hips: np.ndarray
    keypoints: np.ndarray


def evenly_spaced_frames(motion: Motion, count: int) -> np.ndarray:
    """Up to `count` different frames, the first and (unless the motion loops) the last among them.

    Example: 5 of 9 frames are 0, 2, 4, 6, 8; of a loop of 9 they are 0, 2, 3, 5, 6.
    """
    span = motion.num_frames - 1
    places = np.linspace(0.0, span, count, endpoint=not motion.loops)
    return np.unique(np.floor(places + 0.5).astype(np.int64))


def pose_avatar(
    rig: Rig, skeleton: RestSkeleton, motion: Motion, frames: np.ndarray, ground: str
) -> Poses:
    """The avatar in some frames of a motion.

    Args:
        rig: the avatar's nodes.
        skeleton: its proportions.
        motion: the motion.
        frames: [P] int.
        ground: one of `psgan_tf.motion.retarget.GROUND_RULES`; judged over the whole motion.
    """
    posed = retarget(skeleton, motion, ground)
    chosen = replace(posed, rotations=posed.rotations[frames], positions=posed.positions[frames])
    return poses_of(rig, chosen, frames, frames / motion.fps)


def poses_of(rig: Rig, posed: PosedSkeleton, frames: np.ndarray, times_secs: np.ndarray) -> Poses:
    """The avatar as its skeleton is posed; `frames` and `times_secs` as in `Poses`."""
    return Poses(
        frames=frames,
        times_secs=times_secs,
        node_worlds=rig_matrices(rig, posed),
        hips=posed.hips,
        keypoints=posed.keypoints,
    )
