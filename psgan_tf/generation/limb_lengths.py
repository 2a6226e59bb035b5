"""Limb lengths of flat poses: the poses' own, or those of the model's avatar."""

from __future__ import annotations

from dataclasses import replace

from psgan_tf.generation.pose_spec import PoseSpec
from psgan_tf.keypoints.placement import hide_outside
from psgan_tf.keypoints.schema import SKELETONS
from psgan_tf.keypoints.timed_poses import TimedPoses
from psgan_tf.motion.keypoint_retarget import retarget_flat

# Whose limb lengths poses get: the model's where theirs are another body's; the model's; theirs.
LIMBS = ("auto", "model", "source")


def _knows_limbs(pose_spec: PoseSpec) -> bool:
    """Whether flat poses can be brought to the limbs of the pose spec's avatar."""
    has_body = pose_spec.rest_skeleton is not None and pose_spec.camera is not None
    return has_body and pose_spec.skeleton == SKELETONS["avatar20"]


def _have_limbs_of(pose_spec: PoseSpec, poses: TimedPoses) -> bool:
    """Whether poses are known to be, or were written as, those of the pose spec's avatar."""
    rest = pose_spec.rest_skeleton
    same_avatar = rest is not None and poses.rest_skeleton == rest.to_json()
    return poses.written_in_schema or same_avatar


def _stay(poses: TimedPoses, pose_spec: PoseSpec) -> bool:
    """Whether `auto` leaves poses as they are: they need no change, or cannot have it."""
    if _have_limbs_of(pose_spec, poses) or not _knows_limbs(pose_spec):
        return True
    return not poses.keypoints[:, pose_spec.skeleton.index("hips"), 2].any()


def with_limbs(poses: TimedPoses, pose_spec: PoseSpec, limbs: str) -> TimedPoses:
    """The poses with the limb lengths that are wanted, see `motion/keypoint_retarget.py`.

    Args:
        poses: of the pose spec's schema and frame.
        pose_spec: the model's avatar and camera.
        limbs: one of LIMBS.

    Raises:
        ValueError: `model` is asked for and the pose spec does not know its avatar, or no frame
            shows the hips.
    """
    if limbs == "source" or (limbs == "auto" and _stay(poses, pose_spec)):
        return poses
    if not _knows_limbs(pose_spec):
        raise ValueError(
            "`limbs` can be the model's where it takes poses of avatar20 and its dataset card has "
            "a rest skeleton and a camera. Received: a model without. Use --limbs=source."
        )
    assert pose_spec.rest_skeleton is not None
    assert pose_spec.camera is not None
    moved = retarget_flat(
        poses.keypoints, pose_spec.rest_skeleton, pose_spec.camera, pose_spec.ground
    )
    return replace(poses, keypoints=hide_outside(moved, pose_spec.frame_px))
